"""Changes of layers of other kinds than plain LoRA: Tucker form, LoHa, LoKr, full differences, and DoRA over any of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from impasto.adapters.lora.low_rank import Change

Tensors = Mapping[str, torch.Tensor]
_HADA, _KRON = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"), ("lokr_w1", "lokr_w2")


class ShapeProblem(Exception):
    """The tensors of a layer are incomplete or do not fit each other; the message says which."""


@dataclass(frozen=True)
class Full(Change):
    """A change that is computed when it is read: [out, in] or [out, in, kh, kw], not yet scaled by alpha / rank.

    Attributes:
        name: the kind of adapter.
        parts: the tensors of the file.
        whole: their product, fp32.
        factor_rank: the rank of its factors.
    """

    kind = "full"

    name: str
    parts: tuple[torch.Tensor, ...]
    whole: torch.Tensor
    factor_rank: int
    alpha: float

    @property
    def rank(self) -> int:
        return self.factor_rank

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return self.parts

    @property
    def change_shape(self) -> tuple[int, int]:
        return self.whole.shape[0], self.whole[0].numel()

    def change(self) -> torch.Tensor:
        return self.scale * self.whole


@dataclass(frozen=True)
class Decomposed(Change):
    """DoRA (Liu et al. 2024, equation 5): the changed weight is scaled to a learned magnitude per row or per column.

    Attributes:
        base: the change of the direction.
        magnitude: m, [out] if it is per output, else [in].
        by_output: whether the norm is that of each output (peft's), or of each input (LyCORIS' and the paper's).
    """

    kind = "DoRA"

    base: Change
    magnitude: torch.Tensor
    by_output: bool

    @property
    def alpha(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride] - the base's
        return self.base.alpha

    @property
    def rank(self) -> int:
        return self.base.rank

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return (*self.base.tensors, self.magnitude)

    @property
    def change_shape(self) -> tuple[int, int]:
        return self.base.change_shape

    def change(self) -> torch.Tensor:
        raise TypeError("a DoRA changes a weight in proportion to it: ask change_of")

    def change_of(self, weight: torch.Tensor) -> torch.Tensor:
        former = weight.float()
        turned = former + self.base.change_of(weight)
        rows = turned.flatten(1) if self.by_output else turned.transpose(0, 1).flatten(1)
        sizes = rows.norm(dim=1).clamp(min=torch.finfo(torch.float32).eps)
        factors = self.magnitude.float().to(weight.device) / sizes
        shape = [-1, *[1] * (former.ndim - 1)] if self.by_output else [1, -1, *[1] * (former.ndim - 2)]
        return turned * factors.reshape(shape) - former


def other_kind(tensors: Tensors, alpha: float | None) -> Change:
    """Returns the change that the tensors of one layer describe, by their names without the layer's.

    Args:
        tensors: `lora_mid` beside `lora_down` and `lora_up`; LoHa's; LoKr's; or `diff`.
        alpha: the layer's alpha; None takes the rank, so that nothing is scaled.

    Raises:
        ShapeProblem: a tensor is missing, or their shapes do not fit.
    """
    try:
        name, parts, whole, rank = _product({key: value.float() for key, value in tensors.items()})
    except (RuntimeError, IndexError, ValueError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise ShapeProblem(f"has tensors of shapes that do not fit ({lines[0][:100]})") from None
    if whole.ndim not in (2, 4):
        raise ShapeProblem(f"has a change of shape {list(whole.shape)}")
    # LyCORIS scales neither full differences nor LoKr without factors.
    return Full(name, parts, whole, max(rank, 1), float(max(rank, 1)) if alpha is None or not rank else alpha)


def decomposed(base: Change, magnitude: torch.Tensor, *, by_peft: bool) -> Decomposed:
    """Returns DoRA over `base`; peft's magnitude is per output, LyCORIS' per input unless its shape says otherwise.

    Raises:
        ShapeProblem: the magnitude fits neither.
    """
    outs, ins = base.change_shape
    number, first = magnitude.numel(), magnitude.shape[0] if magnitude.ndim else 0
    by_output = by_peft or (magnitude.ndim > 1 and first == outs and number == outs and first != 1)
    # A convolution has one magnitude for an input, whatever its kernel's size.
    if not number or (number != outs if by_output else ins % number):
        raise ShapeProblem(f"has a magnitude of shape {list(magnitude.shape)}")
    return Decomposed(base, magnitude.flatten(), by_output)


def _product(tensors: dict[str, torch.Tensor]) -> tuple[str, tuple[torch.Tensor, ...], torch.Tensor, int]:
    """Returns (kind, tensors, product, rank); rank 0 if it is not scaled."""
    if "diff" in tensors:
        return "full difference", (tensors["diff"],), tensors["diff"], 0
    if "lora_mid" in tensors:
        mid, down, up = _need(tensors, "lora_mid", "lora_down", "lora_up")
        return "LoRA of Tucker form", (mid, down, up), _tucker(mid, up.flatten(1).T, down.flatten(1)), down.shape[0]
    if any(key.startswith("hada_") for key in tensors):  # Hyeon-Woo et al. 2022, proposition 1
        parts = _need(tensors, *_HADA)
        halves = []
        for number, (a, b) in enumerate((parts[:2], parts[2:]), start=1):
            core = tensors.get(f"hada_t{number}")
            halves.append(a @ b.flatten(1) if core is None else _tucker(core, a, b))
        whole = (halves[0] * halves[1]).reshape(halves[0].shape[0], *_kernel(halves[0], parts[1]))
        cores = tuple(tensors[key] for key in ("hada_t1", "hada_t2") if key in tensors)
        return "LoHa", (*parts, *cores), whole, parts[1].shape[0]
    factors, ranks, used = [], [], []
    for name in _KRON:  # Kronecker product: Edalati et al. 2022, equation 3
        if name in tensors:
            factors.append(tensors[name])
            used.append(tensors[name])
            continue
        a, b = _need(tensors, f"{name}_a", f"{name}_b")
        core = tensors.get("lokr_t2") if name == "lokr_w2" else None
        factors.append(a @ b.flatten(1) if core is None else _tucker(core, a, b))
        if core is None and b.ndim == 4:
            factors[-1] = factors[-1].reshape(a.shape[0], *b.shape[1:])
        ranks.append(b.shape[0])
        used += [a, b, *([] if core is None else [core])]
    small, large = factors
    small = small.reshape(*small.shape, *[1] * (large.ndim - small.ndim))
    return "LoKr", tuple(used), torch.kron(small.contiguous(), large.contiguous()), min(ranks, default=0)


def _kernel(half: torch.Tensor, b: torch.Tensor) -> tuple[int, ...]:
    """The shape of a half of LoHa after its outputs."""
    return tuple(half.shape[1:]) if half.ndim == 4 else tuple(b.shape[1:])


def _tucker(core: torch.Tensor, outs: torch.Tensor, ins: torch.Tensor) -> torch.Tensor:
    """Returns the kernel [out, in, kh, kw] of a core [r, r, kh, kw] and its factors [r, out] and [r, in]."""
    return torch.einsum("ijkl,jr,ip->prkl", core, ins, outs)


def _need(tensors: dict[str, torch.Tensor], *names: str) -> tuple[torch.Tensor, ...]:
    for name in names:
        if name not in tensors:
            raise ShapeProblem(f"lacks its {name}")
    return tuple(tensors[name] for name in names)
