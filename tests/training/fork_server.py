"""Children for tests that kill them: forked from a process that has imported everything, so that one costs milliseconds."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

_PRELOAD = [
    "tests.training.kill_child", "peft", "transformers.models.bert.modeling_bert", "torch.utils.tensorboard",
    "diffusers.models.autoencoders.autoencoder_kl", "diffusers.models.unets.unet_2d_condition",
]  # fmt: skip


def start(work: Callable[..., None], *what: object) -> tuple[ForkServerProcess, Connection]:
    """A child that does `work(*what, sends)`, and the end of the pipe at which it is heard."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    hears, sends = context.Pipe(duplex=False)
    child = context.Process(target=work, args=(*what, sends))
    child.start()
    sends.close()
    return child, hears
