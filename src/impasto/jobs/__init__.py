"""Jobs: one typed request class per verb, used in the same way by command line, Python, web page, queue and cluster.

    from impasto.jobs import run
    from impasto.jobs.painting.paint import PaintJob

    pictures = run(PaintJob(prompt="boats at sunset", artist="Claude Monet", seed=1, out=Path("pictures")))

A job is validated when it is created, can be converted to JSON and back (`job_from_json`), reports typed events
(`impasto.jobs.events`) to its `Context`, and prints nothing.
"""

import json
from typing import TYPE_CHECKING, Any

from impasto.errors import UsageError

if TYPE_CHECKING:
    from impasto.jobs.base import Job
    from impasto.jobs.context import Context

# kind -> module and class; imported on first use
HOMES: dict[str, str] = {
    "paint": "impasto.jobs.painting.paint:PaintJob",
    "batch": "impasto.jobs.batch:BatchJob",
    "repaint": "impasto.jobs.painting.repaint:RepaintJob",
    "grid": "impasto.jobs.painting.grid:GridJob",
    "inpaint": "impasto.jobs.editing.inpaint:InpaintJob",
    "outpaint": "impasto.jobs.editing.outpaint:OutpaintJob",
    "instruct": "impasto.jobs.editing.instruct:InstructJob",
    "expand": "impasto.jobs.painting.expand:ExpandJob",
    "upscale": "impasto.jobs.painting.upscale:UpscaleJob",
    "sign": "impasto.jobs.credentials.sign:SignJob",
    "credentials/make-test": "impasto.jobs.credentials.trial_certificates:TrialCertificatesJob",
    "edit": "impasto.jobs.editing.edit_words:EditWordsJob",
    "attention": "impasto.jobs.editing.attention:AttentionJob",
    "control-map": "impasto.jobs.editing.control_map:ControlMapJob",
    "evaluate": "impasto.jobs.judging.evaluate:EvaluateJob",
    "evaluate-edits": "impasto.jobs.judging.edits:EvaluateEditsJob",
    "sweep": "impasto.jobs.judging.sweep:SweepJob",
    "memorization": "impasto.jobs.judging.memorization:MemorizationJob",
    "prefer": "impasto.jobs.judging.prefer:PreferJob",
    "preference-scores": "impasto.jobs.judging.scores:PreferenceScoresJob",
    "reproduce/wang2023": "impasto.jobs.judging.reproduce:Wang2023Job",
    "reproduce/wu2022": "impasto.jobs.judging.reproduce:Wu2022Job",
    "import": "impasto.jobs.data.importing:ImportJob",
    "tag": "impasto.jobs.data.tag:TagJob",
    "caption": "impasto.jobs.data.caption:CaptionJob",
    "import-captions": "impasto.jobs.data.import_captions:ImportCaptionsJob",
    "filter": "impasto.jobs.data.filter:FilterJob",
    "export": "impasto.jobs.data.export:ExportJob",
    "instructions": "impasto.jobs.data.instructions:InstructionsJob",
    "copy-index": "impasto.jobs.data.copy_index:CopyIndexJob",
    "statistics": "impasto.jobs.data.statistics:StatisticsJob",
    "search": "impasto.jobs.data.search:SearchJob",
    "knowledge-build": "impasto.jobs.data.knowledge_build:KnowledgeBuildJob",
    "terms": "impasto.jobs.data.terms:TermsJob",
    "train/wang2023-artist": "impasto.jobs.training.retraining:RetrainJob",
    "train/wang2023-artists": "impasto.jobs.training.several:ArtistsJob",
    "train/lora": "impasto.jobs.training.personal:LoraJob",
    "train/dreambooth": "impasto.jobs.training.personal:DreamBoothJob",
    "train/textual-inversion": "impasto.jobs.training.personal:TextualInversionJob",
    "train/distill": "impasto.jobs.training.distill:DistillJob",
    "train/control": "impasto.jobs.training.control:ControlJob",
    "train/instruct": "impasto.jobs.training.instruct:TrainInstructJob",
    "train/classifier": "impasto.jobs.training.classifier:ClassifierJob",
    "train/diffusionclip": "impasto.jobs.training.diffusionclip:DiffusionClipJob",
    "train/wang2023-masters": "impasto.jobs.training.masters:MastersJob",
    "train/wu2022-text-encoder": "impasto.jobs.training.wu2022:Wu2022TextEncoderJob",
    "train/wu2022-joint": "impasto.jobs.training.wu2022:Wu2022JointJob",
    "train/pocket": "impasto.jobs.training.pocket:PocketJob",
    "train/pocket-autoencoder": "impasto.jobs.training.pocket_parts:PocketAutoencoderJob",
    "train/pocket-decoder": "impasto.jobs.training.pocket_parts:PocketDecoderJob",
    "train/pocket-denoiser": "impasto.jobs.training.pocket_parts:PocketDenoiserJob",
    "train/prompt-model": "impasto.jobs.training.prompt_model:PromptModelJob",
    "train/pocket-scorer": "impasto.jobs.training.pocket_parts:PocketScorerJob",
    "train/pocket-tagger": "impasto.jobs.training.pocket_parts:PocketTaggerJob",
    "train/pocket-captioner": "impasto.jobs.training.pocket_parts:PocketCaptionerJob",
    "train/pocket-upscaler": "impasto.jobs.training.pocket_parts:PocketUpscalerJob",
    "runs/stop": "impasto.jobs.training.stop:StopJob",
}


def run(job: "Job", context: "Context | None" = None) -> Any:
    """Runs `job` and returns its result; without a context, its events are ignored.

    Raises:
        ImpastoError, StoppedError: the same as the job's `run`.
    """
    from impasto.jobs.context import Context

    return job.run(context or Context())


def job_class(kind: str) -> "type[Job]":
    """Returns the job class of this kind.

    Raises:
        UsageError: there is no such kind.
    """
    from importlib import import_module

    if kind not in HOMES:
        raise UsageError(f"there is no job of the kind {kind!r}: use {', '.join(HOMES)}")
    module, _, name = HOMES[kind].partition(":")
    return getattr(import_module(module), name)


def job_from_json(text: str) -> "Job":
    """Reads a job from the JSON text of `Job.to_json`.

    Raises:
        UsageError: the text is no JSON object, or its kind is unknown, its version is newer, or its fields do not fit.
    """
    try:
        fields = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"a job must be one JSON object: {error}") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
        raise UsageError("a job must be one JSON object with its kind: " + ", ".join(HOMES))
    kind = fields.pop("kind")
    return job_class(kind).from_fields(fields)
