"""The experimental protocols of the papers as dataclasses: artists, prompts, counts and seeds, at the sizes used here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from impasto.checkpoints.size import is_small
from impasto.errors import UsageError
from impasto.training.recipes.wang2023 import WANG2023_MASTERS

# Figures 8 to 11 of wang2023, two prompts each, in their order.
WANG2023_PROMPTS = (
    "An astronaut riding a horse",
    "A woman holding a knife in her hand",
    "An emotional dog next to an alien landscape",
    "An ethereal swan perched by a planet",
    "A gothic sea monster in the high seas",
    "A drone hovering over the sky",
    "A tank in the lake",
    "A computer keyboard with various keys",
)
# Figures 5 to 8 of wu2022, and 9 to 12 for thirty artists; the first is the initial prompt, the others are extended ones.
WU2022_PROMPTS = (
    "a painting of urbanization of china",
    "originally a collection of fishing villages, Shenzhen rapidly grew to be one of the largest cities in China",
    "a train runs on the snow-capped mountains of the Qinghai-Tibet Plateau",
    "left-behind children running in wheat-field",
)
# Figure 4 of wu2022 uses "the same prompts as described in (Rombach et al., 2021)" (section 5.1): figure 5 of that paper.
ROMBACH2021_PROMPTS = (
    'A street sign that reads "Latent Diffusion"',
    "A zombie in the style of Picasso",
    "An image of an animal half mouse half octopus",
    "An illustration of a slightly conscious neural network",
    "A painting of a squirrel eating a burger",
    "A watercolor painting of a chair that looks like an octopus",
    'A shirt with the inscription: "I love generative models!"',
)
# Section 5.2, figures 5 to 8.
WU2022_FOUR = ("Vincent van Gogh", "Nicholas Roerich", "Pierre-Auguste Renoir", "Claude Monet")
# The arms of wu2022's ablation: the original checkpoint; text encoder and U-Net trained jointly at once; the text encoder
# first, then both (section 4); and the extension of the prompt (section 5.2), painted by the last checkpoint of the others.
# The survey's PITI compares the same three ways of training (figure "Finetune strategy").
NONE, JOINT, TWO_STAGES, EXTENSION = "none", "joint", "two-stages", "extension"
ARMS = (NONE, JOINT, TWO_STAGES, EXTENSION)
QUICK_MASTERS = ("Vincent van Gogh", "Claude Monet", "Rembrandt")


@dataclass(frozen=True)
class Sampling:
    """The sampler settings of all pictures of a reproduction; see `PaintRequest`."""

    sampler: str
    steps: int
    guidance: float
    eta: float = 0.0


# Less guidance than the usual 5: pocket's distances rise with guidance (benchmarks/judge_artists.py, van Gogh: 873 at 1.5,
# 878 at 2.5), and at 1.5 the artist is hardly recognisable.
POCKET_SAMPLING = Sampling("dpm++", 20, 2.5)
# wang2023 names no sampler; these are diffusers' settings for Stable Diffusion v1-5, with fewer steps by a faster sampler.
WANG2023_SAMPLING = Sampling("dpm++", 25, 7.5)
WU2022_SAMPLING = Sampling("ddim", 200, 5.0, eta=1.0)  # section 5


@dataclass(frozen=True)
class Wang2023:
    """Tables 1 to 3 and figures 7 to 11: one retraining for each artist, judged with and without expanded prompts.

    Attributes:
        artists: the artists; each gets a separate retraining.
        annotates: whether the pictures are tagged, captioned and filtered first (section 4.1).
        below: the similarity below which a pair of picture and caption is removed; None for the scorer's own threshold.
        paintings: number of paintings in each of an artist's four sets: original or retrained checkpoint, plain or expanded
            prompts. Their prompts are the texts of the artist's held-out works in turn; picture k has `seed` + k in all
            four sets.
        prompts: prompts of the figures, all painted with `figure_seed`; two prompts a figure, from figure 8 on.
        minutes: minutes of each retraining; None for the recipe's epochs.
        precision: precision of the retraining; "" for the recipe's.
        expansions: number of expansions searched for each prompt, of which the best is painted. The default is that of
            `impasto paint`. Five expansions need eight continuations, which take 7 s on two cores, and `quick` has a
            hundred prompts.
        expand_seeds: the seeds of Table 2; the expansions of the first are painted.
        bounds: phase -> minutes that it may take at most; what is left undone is told in the report.
        seeds: how often everything is retrained and painted, each time with other seeds of training and pictures, so that
            a gain can be told from chance. Retraining j has `training_seed` + j, its picture k `seed` + 100,000 j + k.
    """

    artists: tuple[str, ...] = tuple(master.name for master in WANG2023_MASTERS)
    annotates: bool = True
    below: float | None = None
    paintings: int = 500
    sampling: Sampling = POCKET_SAMPLING
    minutes: float | None = None
    precision: str = ""
    prompts: tuple[str, ...] = WANG2023_PROMPTS
    expansions: int = 5
    expand_seeds: tuple[int, ...] = (0, 1, 2)
    bounds: Mapping[str, float] = field(default_factory=dict)
    seed: int = 6000
    figure_seed: int = 1
    training_seed: int = 0
    seeds: int = 1


@dataclass(frozen=True)
class Wu2022:
    """Figures 4 to 12: paintings by checkpoints that are retrained on a whole catalogue, the arms of an ablation.

    Attributes:
        arms: of `ARMS`, in the order of `ARMS`.
        artists: number of artists, those with the most works; the four of figures 5 to 8 come first.
        paintings: number of paintings of each prompt by each artist; picture k has `seed` + k in all arms.
        extended: for the arm "extension": number of extended prompts.
        minutes: minutes of each of the two stages; None for the recipe's epochs. The arm "joint" trains as long as both
            stages together.
    """

    arms: tuple[str, ...] = ARMS
    artists: int = 30
    paintings: int = 4
    sampling: Sampling = POCKET_SAMPLING
    extended: int = 3
    expand_seed: int = 0
    minutes: float | None = None
    precision: str = ""
    four: tuple[str, ...] = WU2022_FOUR
    prompts: tuple[str, ...] = WU2022_PROMPTS
    figure_4_prompts: tuple[str, ...] = ROMBACH2021_PROMPTS
    seed: int = 1
    training_seed: int = 0


def wang2023_protocol(side: int | None, *, quick: bool = False) -> Wang2023:
    """Returns the protocol for a checkpoint that paints `side` px.

    It has nine artists; with `quick`, three artists and 75 minutes at most on two cores.
    """
    sampling = POCKET_SAMPLING if is_small(side) else WANG2023_SAMPLING
    whole = Wang2023(sampling=sampling)
    if not quick:
        return whole
    bounds = {"caption": 12.0, "expand": 12.0, "paint": 16.0}  # and 3 retrainings, and 10 minutes for the rest
    return replace(whole, artists=QUICK_MASTERS, paintings=64, minutes=6.0, expansions=1, bounds=bounds)


def wu2022_protocol(side: int | None, *, quick: bool = False) -> Wu2022:
    """Returns the protocol for a checkpoint that paints `side` px.

    With `quick`, it has ten artists and ten minutes for each stage: 40 minutes of training with all arms. No other phase
    is bounded; on two cores they take about a quarter of an hour.
    """
    whole = Wu2022(sampling=WU2022_SAMPLING)
    if not quick:
        return whole
    sampling = POCKET_SAMPLING if is_small(side) else WU2022_SAMPLING
    return replace(whole, artists=10, paintings=2, minutes=10.0, sampling=sampling)


def parse_arms(given: str | tuple[str, ...]) -> tuple[str, ...]:
    """Returns the arms in the order of `ARMS`; "none" is always among them, as what the others are compared with.

    Raises:
        UsageError: there is no such arm, or one is named twice.
    """
    names = [name.strip() for name in (given.split(",") if isinstance(given, str) else given) if name.strip()]
    for name in names:
        if name not in ARMS:
            raise UsageError(f"arms: there is no arm {name!r}: use {', '.join(ARMS)}")
        if names.count(name) > 1:
            raise UsageError(f"arms: {name} is named twice: name each of {', '.join(ARMS)} once at most")
    if not names:
        raise UsageError(f"arms is empty: use some of {', '.join(ARMS)}")
    return tuple(arm for arm in ARMS if arm in names or arm == NONE)
