"""Maps other tools' settings to impasto's, for `impasto repaint` on their pictures."""

import math
import re
from collections.abc import Iterable

from impasto.prompts.weights import COMPEL, PLAIN

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
    "unipcmultistep": "unipc",
    "dpmsolversde": "dpm++-sde",
    "lcm": "lcm",
}
_SCHEDULES = (
    "karras", "polyexponential", "exponential", "sgmuniform", "ddimuniform", "uniform", "automatic", "gpu", "simple",
    "normal", "beta", "kloptimal", "linearquadratic", "trailing", "substep", "ays", "alignyoursteps", "gits", "turbo",
)  # fmt: skip

# The tools whose prompts are in A1111's syntax: weights "(a mill:1.2)" and "[fog]", BREAK, LoRA tags.
_A1111_TOOLS = {
    "A1111", "Forge", "SD.Next", "Civitai", "impasto", "stable-diffusion.cpp", "Fooocus", "RuinedFooocus", "SwarmUI",
    "ComfyUI", "Draw Things", "TensorArt", "Stability Matrix",
}  # fmt: skip
# Of them, those to which square brackets are letters.
_PLAIN_BRACKETS = {"ComfyUI", "Fooocus", "RuinedFooocus"}
_BRACKET = re.compile(r"(?<!\\)([\[\]])")
# Weights that Impasto cannot read: "{a}", "[a]" and "1.2::a ::"; "a mill::2".
_OTHER_WEIGHTS = {
    "NovelAI": re.compile(r"[{}\[\]]|\d::"),
    "Midjourney": re.compile(r"::"),
}
_A1111_WEIGHTS = re.compile(r"\([^()]*:\s*[\d.]+\s*\)|\[[^\[\]]+\]|\(\(|<(?:lora|lyco):|\bBREAK\b")


def recorded_syntax(tool: str, usual: str) -> str:
    """Returns the syntax of the prompts that a tool recorded, as `--prompt-syntax` names it.

    `usual` is that of the tools that write A1111's or a like one. Any other tool has "plain": its prompts are words.
    """
    return COMPEL if tool == "InvokeAI" else usual if tool in _A1111_TOOLS else PLAIN


def with_plain_brackets(text: str, tool: str) -> str:
    """Returns a tool's prompt as A1111 would have to write it: ComfyUI's square brackets are letters, not weights."""
    return _BRACKET.sub(r"\\\1", text) if tool in _PLAIN_BRACKETS else text


def syntax_note(tool: str, texts: Iterable[str]) -> str:
    """Returns what is to be said about the syntax in a tool's prompts that are read as words; "" for nothing."""
    if recorded_syntax(tool, "") != PLAIN:
        return ""
    own = _OTHER_WEIGHTS.get(tool)
    if own is not None and any(own.search(text) for text in texts):
        return f"the weights in its prompts are in {tool}'s syntax, which impasto does not know: they are read as words"
    if own is None and any(_A1111_WEIGHTS.search(text) for text in texts):
        return (
            "its prompts look like A1111's syntax, but nothing says that they are: they are read as words (give --prompt to"
            " have one read in A1111's syntax)"
        )
    return ""


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
    key = key.removesuffix("scheduler").removesuffix("discrete") or key  # diffusers' classes
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
