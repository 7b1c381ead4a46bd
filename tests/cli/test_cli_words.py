"""Names of files, sizes and other tools' words: the parts of the verbs that need no checkpoint."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from impasto.cli.console import one_line, say_facts, say_json, say_table
from impasto.cli.main import main
from impasto.errors import ImpastoError, UsageError
from impasto.jobs.disk import check_writable
from impasto.jobs.painting.foreign_settings import fitting_size, our_sampler
from impasto.jobs.painting.output import Output
from impasto.jobs.painting.picture import parse_size
from impasto.painting.file_names import slug


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Boats at sunset", "boats-at-sunset"),
        ("  boats,  at/..\\sunset!  ", "boats-at-sunset"),
        ("../../etc/passwd", "etc-passwd"),
        ("Dürers Hase", "dürers-hase"),
        ("日没の船", "日没の船"),
        ("!?", "painting"),
        ("", "painting"),
        ("a" * 100, "a" * 60),
        ("word " * 30, "-".join(["word"] * 12)),
    ],
)
def test_slug(prompt: str, name: str) -> None:
    assert slug(prompt) == name
    assert len(name) <= 60


def test_slug_fits_a_file_system() -> None:
    assert len(f".{slug('𠀀' * 100)}-preview-123456789.png".encode()) <= 255


def test_numbers_follow_the_largest_in_use(tmp_path: Path) -> None:
    output = Output.at(tmp_path, "boats", 2, overwrite=False)
    for name in ("boats-2.png", "boats-9.PNG", "boats-10.jpg", "boats-01.png", "boats-at-sea-30.png"):
        (tmp_path / name).touch()
    assert output.free_path().name == "boats-10.png"
    assert output.free_path("-preview").name == "boats-preview-1.png"


def test_a_name_taken_meanwhile_is_passed_over(tmp_path: Path) -> None:
    class Race:
        """A painting whose first name is taken by another command just before it is saved."""

        def __init__(self) -> None:
            self.tried: list[str] = []

        def save(self, path: Path) -> Path:
            self.tried.append(path.name)
            if len(self.tried) == 1:
                path.touch()
                raise UsageError(f"{path} is there already")
            return path

    race: Any = Race()
    assert Output.at(tmp_path, "boats", 1, overwrite=False).save(race).name == "boats-2.png"


def test_checking_the_output_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ImpastoError, match="/proc"):
        check_writable(Path("/proc/nowhere"))


@pytest.mark.parametrize(
    ("size", "width", "height", "sides"),
    [
        (None, None, None, (None, None)),
        ("128", None, None, (128, 128)),
        ("192x128", None, None, (192, 128)),
        ("192X128", None, 64, (192, 64)),
        (None, 64, None, (64, None)),
    ],
)
def test_parse_size(size: str | None, width: int | None, height: int | None, sides: tuple[Any, Any]) -> None:
    assert parse_size(size, width, height) == sides


@pytest.mark.parametrize("size", ["", "x", "12x", "-8", "1.5", "1e3", "9" * 5000, "٣x٣x٣"])
def test_parse_size_refuses(size: str) -> None:
    with pytest.raises(UsageError, match="size"):
        parse_size(size, None, None)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("DPM++ 2M Karras", "dpm++"),
        ("DPM++ 2M SDE Karras", "dpm++-sde"),
        ("Euler a", "euler-a"),
        ("k_euler_ancestral", "euler-a"),
        ("dpmpp_2m_k", "dpm++"),
        ("dpmpp_2m_sde_gpu", "dpm++-sde"),
        ("uni_pc_bh2", "unipc"),
        ("Heun", "heun"),
        ("PLMS", "plms"),
        ("DDIM", "ddim"),
        ("LCM", "lcm"),
        ("restart", None),
        ("", None),
    ],
)
def test_our_sampler(theirs: str, ours: str | None) -> None:
    assert our_sampler(theirs) == ours


def test_fitting_size_keeps_the_proportions() -> None:
    assert fitting_size(768, 512, 128) == (160, 104)
    assert fitting_size(None, 512, 128) == (128, 128)
    assert fitting_size(999_999, 1, 128) == (2048, 64)


def test_every_sampler_in_the_table_is_ours() -> None:
    from impasto.jobs.painting.foreign_settings import _SAMPLERS
    from impasto.painting.samplers import SAMPLERS

    assert set(_SAMPLERS.values()) == set(SAMPLERS)


def test_the_help_names_every_sampler() -> None:
    from impasto.cli.painting import picture_options
    from impasto.painting.samplers import SAMPLERS

    text = Path(picture_options.__file__).read_text("utf-8")
    assert all(f"{name}," in text or f"{name} or" in text or f"or {name}." in text for name in SAMPLERS)


def test_the_help_names_every_guider() -> None:
    from impasto.cli.painting.picture_options import GUIDER_HELP
    from impasto.painting.guidance.guiders import GUIDERS

    assert all(f" {name}," in GUIDER_HELP or f"or {name};" in GUIDER_HELP or f"{name} or" in GUIDER_HELP for name in GUIDERS)


def test_what_is_said_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a\x1b[2J\r\nb\x9b31m\u2028c"
    assert one_line(hostile) == "a [2J b 31m c"
    assert one_line("two  spaces stay") == "two  spaces stay"
    say_facts([("prompt", hostile), ("nothing", ""), ("zero", 0)])
    say_table(("name", "works"), [(hostile, 3)])
    assert capsys.readouterr().out == "prompt: a [2J b 31m c\nzero: 0\na [2J b 31m c\t3\n"
    say_json({"path": Path("a"), "text": "ü\x1b\x9b"}, indent=None)
    assert capsys.readouterr().out == '{"path": "a", "text": "ü\\u001b\\u009b"}\n'


@pytest.mark.parametrize(
    "verb", [[], ["paint"], ["show"], ["repaint"], ["grid"], ["artists"], ["checkpoints"], ["train"], ["doctor"]]
)
def test_help(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*verb, "--help"])
    assert left.value.code == 0
    assert f"impasto {' '.join(verb)}".strip() in capsys.readouterr().out


def test_version_and_nothing_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    import impasto

    for arguments, said in (
        (["--version"], f"impasto {impasto.__version__}\n"),
        ([], "doctor"),
        (["train"], "pocket"),
    ):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 0
        assert said in capsys.readouterr().out


def test_help_is_quick_and_light() -> None:
    code = (
        "import sys\nfrom impasto.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([name for name in ('torch', 'transformers', 'PIL', 'numpy') if name in sys.modules])"
    )
    best = 9.0
    for _ in range(3):
        before = os.times()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = os.times()
        # Of the processor, not of the clock: a machine that trains beside the tests has less of it for us.
        best = min(best, after.children_user + after.children_system - before.children_user - before.children_system)
    assert done.stdout.splitlines()[-1] == "[]"
    # 0.3 s is the promise, and caches that others empty take some of it.
    assert best < 1.0


def test_the_help_names_every_axis_of_a_sheet() -> None:
    from impasto.cli.painting.grid import AXES as NAMED
    from impasto.jobs.painting.grid_axes import AXES

    assert NAMED.split(", ") == list(AXES)
