"""The registry of guiders (guidance methods) by name.

To add one: a file beside this one with `predictor(guiding)`, a row in `GUIDERS`, a line in docs/guidance.md. The file is
imported when it is first used, so that a request can be checked without torch.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.painting.guidance.record import Interval, Worse, check_interval

if TYPE_CHECKING:
    from impasto.painting.denoising import Predictor
    from impasto.painting.guidance.guiding import Guiding


@dataclass(frozen=True)
class GuiderSpec:
    """One guider: its name, its source and its requirements.

    Attributes:
        source: where the method is described.
        file: the name of the file beside this one that makes its predictor.
        usual_guidance: the default guidance; None takes the sampler's default.
        largest_guidance: 50, or the largest value that the method is defined for.
        asks_away: it evaluates the negative prompt.
        worse: the other U-Net that it leads away from: the checkpoint's guide, or a perturbed copy of its own U-Net.
        samplers: the samplers that it is defined for; empty for all.
    """

    name: str
    source: str
    file: str
    usual_guidance: float | None = None
    largest_guidance: float = 50.0
    asks_away: bool = True
    worse: Worse = ""
    samplers: tuple[str, ...] = ()

    def predictor(self, guiding: "Guiding") -> "Predictor":
        """Returns the predictor for a batch."""
        return import_module(f"impasto.painting.guidance.{self.file}").predictor(guiding)

    def sides(self, guidance: float) -> tuple[bool, bool]:
        """Returns which predictions are needed at this guidance: (the condition's, the one it is led away from)."""
        if self.name == "cfg":
            return guidance != 0, guidance != 1
        return True, guidance != 1 or self.name == "cfg++"


GUIDERS: dict[str, GuiderSpec] = {
    spec.name: spec
    for spec in (
        GuiderSpec("cfg", "Ho & Salimans 2022", "cfg"),
        GuiderSpec("interval", "Kynkäänniemi et al. 2024", "interval"),
        GuiderSpec("auto", "Karras et al. 2024", "auto", 2.0, asks_away=False, worse="guide"),
        GuiderSpec("domain", "Zhong et al. 2025", "domain", worse="guide"),
        GuiderSpec("apg", "Sadat et al. 2024", "apg"),
        GuiderSpec("cfg++", "Chung et al. 2024", "cfg_plus_plus", 0.6, 1.0, samplers=("ddim", "euler")),
        GuiderSpec("pag", "Ahn et al. 2024", "pag", 4.0, asks_away=False, worse="perturbed"),
    )
}


def find_guider(name: str) -> GuiderSpec:
    """Returns the guider called `name`.

    Raises:
        UsageError: there is no guider of that name; the message lists the known ones.
    """
    spec = GUIDERS.get(name)
    if spec is None:
        raise UsageError(f"unknown guider {name!r}: use one of {', '.join(GUIDERS)}")
    return spec


def check_guider(
    name: str, *, guidance: float, sampler: str, negative: str, eta: float, between: Interval | None
) -> None:
    """Checks that a request's settings are compatible with its guider.

    Raises:
        UsageError: they are not; the message names compatible settings.
    """
    spec = find_guider(name)
    if spec.samplers and sampler not in spec.samplers:
        fitting = " and ".join(spec.samplers)
        raise UsageError(f"the guider {name} is defined for {fitting}, not for {sampler}: use one of them")
    if spec.samplers and eta:
        raise UsageError(f"the guider {name} is defined without fresh noise: leave eta at 0")
    if guidance > spec.largest_guidance:
        most = spec.largest_guidance
        raise UsageError(f"guidance {guidance:g}: the guider {name} takes 0 to {most:g}, usually {spec.usual_guidance:g}")
    if negative and not spec.asks_away:
        raise UsageError(f"the guider {name} asks about no negative prompt: leave it away, or use cfg, interval or apg")
    if between is None:
        return
    if name != "interval":
        raise UsageError(f"a guidance interval has a meaning for the guider interval only, not for {name}")
    check_interval(between)
