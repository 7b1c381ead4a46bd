"""Maps other tools' settings to impasto's, for `impasto repaint` on their pictures."""

import math
import re

# Keys are lower case and contain only letters, digits and pluses: the tools spell the same name in many ways.
_SAMPLERS = {
    "ddpm": "ddpm",
    "ddim": "ddim",
    "plms": "plms",
    "pndm": "plms",
    "lms": "plms",
    "dpm++2m": "dpm++",
    "dpmpp2m": "dpm++",
    "dpmsolvermultistep": "dpm++",
    "dpm++": "dpm++",
    "dpm++2mv2": "dpm++",
    "dpm++2msde": "dpm++-sde",
    "dpmpp2msde": "dpm++-sde",
    "dpm++sde": "dpm++-sde",
    "dpmppsde": "dpm++-sde",
    "euler": "euler",
    "eulera": "euler-a",
    "eulerancestral": "euler-a",
    "heun": "heun",
    "unipc": "unipc",
    "unipcbh2": "unipc",
    "lcm": "lcm",
}
_SCHEDULES = (
    "karras", "polyexponential", "exponential", "sgmuniform", "ddimuniform", "uniform", "automatic", "gpu", "simple",
    "normal", "beta", "kloptimal", "linearquadratic", "trailing", "substep", "ays", "alignyoursteps", "gits", "turbo",
)  # fmt: skip


def our_sampler(name: str) -> str | None:
    """Returns impasto's name for another tool's sampler, ignoring its noise schedule; None if there is no equivalent."""
    return _SAMPLERS.get(_parts(name)[0])


def schedule_of(name: str) -> str:
    """Returns the noise schedule in the name of another tool's sampler: "karras" of "DPM++ 2M Karras"; "" for none."""
    schedule = _parts(name)[1]
    return "" if schedule in ("automatic", "gpu") else schedule


def _parts(name: str) -> tuple[str, str]:
    """Returns the sampler and the noise schedule in a name, both as keys."""
    key = re.sub(r"[^a-z0-9+]", "", name.lower()).removeprefix("sample").removeprefix("k")
    found = []
    for _ in range(2):
        for schedule in _SCHEDULES:
            if key.endswith(schedule) and key != schedule:
                key = key.removesuffix(schedule)
                found.append(schedule)
        if key not in _SAMPLERS and key.endswith("k"):  # InvokeAI's "dpmpp_2m_k": Karras spacing
            key = key[:-1]
            found.append("karras")
    return key, " ".join(found)


def fitting_size(width: int | None, height: int | None, side: int) -> tuple[int, int]:
    """Returns a size of about side x side pixels in the proportions of width x height, in multiples of 8 in 64 .. 2048."""
    if not width or not height:
        return side, side
    stretch = math.sqrt(width / height)
    return _multiple(side * stretch), _multiple(side / stretch)


def _multiple(pixels: float) -> int:
    return min(max(8 * round(pixels / 8), 64), 2048)
