"""The job `sign`: what is refused before anything is read, and pictures of which some cannot be signed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.painting.credentials.pictures import encoded, painting, repainted, write
from tests.painting.editing.pictures import drawn

import impasto
from impasto.errors import ImpastoError, MissingPart, StoppedError, UsageError
from impasto.jobs import job_from_json, run
from impasto.jobs.context import Context
from impasto.jobs.credentials.sign import SignJob
from impasto.jobs.credentials.trial_certificates import TrialCertificatesJob
from impasto.jobs.events import Event, Failure, Note, PictureDone
from impasto.painting.credentials.trial import TrialCertificates, make_trial_certificates


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> TrialCertificates:
    return make_trial_certificates(tmp_path_factory.mktemp("certificates"), "Ada")


@pytest.fixture
def pair(trial: TrialCertificates) -> dict[str, Path]:
    return {"key": trial.key, "certificate": trial.certificate}


def test_a_job_goes_through_json(pair: dict[str, Path]) -> None:
    job = SignJob(pictures=("a.png",), made="composite", timestamp_url="https://stamp.example", out=Path("out"), **pair)
    assert job_from_json(job.to_json()) == job
    other = TrialCertificatesJob(folder=Path("new"), algorithm="ed25519")
    assert job_from_json(other.to_json()) == other


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pictures": ()}, "there is nothing to sign"),
        ({"in_place": True, "out": "new"}, "leave --out new away"),
        ({"pictures": ("a/x.png", "b/x.png"), "out": "new"}, "new/x.png would be written twice"),
        ({"pictures": ("a.png", "a.png")}, "a-signed.png would be written twice"),
        ({"made": "photograph"}, "--as photograph: use generated or composite"),
        ({"timestamp_url": "stamp"}, "--timestamp-url 'stamp': use an http or https address"),
        ({"pictures": "a.png"}, "sign job, pictures 'a.png': use a list"),
    ],
)
def test_what_cannot_be_asked(pair: dict[str, Path], fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        SignJob(**{"pictures": ("a.png",), **pair, **fields})
    assert said in str(refused.value)


def test_one_that_cannot_be_signed_stops_no_other(pair: dict[str, Path], tmp_path: Path) -> None:
    pictures = [
        write(tmp_path, "a.png", painting()), write(tmp_path, "photo.jpg", encoded(drawn(9, 9), "JPEG")),
        tmp_path / "gone.png", write(tmp_path, "b.png", painting(seed=1)),
    ]  # fmt: skip
    heard: list[Event] = []
    job = SignJob(pictures=tuple(pictures), out=tmp_path / "out", **pair)
    with pytest.raises(ImpastoError, match=r"^2 of 4 pictures could not be signed$"):
        run(job, Context(on_event=heard.append))
    failures = [one.text for one in heard if isinstance(one, Failure)]
    assert ["photo.jpg has no record" in failures[0], "gone.png: there is no such file" in failures[1]] == [True, True]
    assert [one.path.name for one in heard if isinstance(one, PictureDone)] == ["a.png", "b.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]
    assert next(one.text for one in heard if isinstance(one, Note)).startswith("this certificate is for trying")


def test_what_the_user_must_know_is_told(pair: dict[str, Path], tmp_path: Path) -> None:
    def notes(job: SignJob) -> list[str]:
        heard: list[Event] = []
        run(job, Context(on_event=heard.append))
        return [one.text for one in heard if isinstance(one, Note)][1:]

    picture = write(tmp_path, "a.png", painting())
    assert notes(SignJob(pictures=(picture,), in_place=True, **pair)) == []
    assert notes(SignJob(pictures=(picture,), in_place=True, **pair)) == []
    picture.write_bytes(repainted(picture.read_bytes()))
    (changed,) = notes(SignJob(pictures=(picture,), in_place=True, **pair))
    assert changed.startswith(f"{picture}: its earlier credentials are kept as they are, tampered: changed after")
    photo = write(tmp_path, "photo.jpg", encoded(drawn(9, 9), "JPEG"))
    (silent,) = notes(SignJob(pictures=(photo,), made="composite", with_prompt=True, **pair))
    assert silent == f"{photo}: its record has no prompt to be said"


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda folder, trial: {"key": folder / "gone.pem"}, UsageError, "gone.pem: there is no such file"),
        (lambda folder, trial: {"certificate": trial.root}, UsageError, "does not belong to --certificate"),
        (lambda folder, trial: {"out": folder / "a.png"}, UsageError, "is a file: give a folder"),
        (lambda folder, trial: {"out": folder / "a.png" / "new"}, UsageError, "a.png is not a folder"),
        (lambda folder, trial: {"out": Path("/proc/new")}, ImpastoError, "cannot write to /proc/new"),
        (lambda folder, trial: {"out": folder}, UsageError, "is the picture itself: --in-place replaces it"),
        (lambda folder, trial: {"pictures": (folder,)}, UsageError, "is a folder"),
    ],
)
def test_what_cannot_be_done_leaves_nothing(
    trial: TrialCertificates, pair: dict[str, Path], tmp_path: Path, change: Callable[..., Any], error: type, said: str
) -> None:
    picture = write(tmp_path, "a.png", painting())
    with pytest.raises(error) as refused:
        run(SignJob(**{"pictures": (picture,), **pair, **change(tmp_path, trial)}))
    assert said in str(refused.value) and "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"] and picture.read_bytes() == painting()


def test_files_that_are_there_stay(pair: dict[str, Path], tmp_path: Path) -> None:
    picture, there = write(tmp_path, "a.png", painting()), write(tmp_path, "a-signed.png", b"mine")
    with pytest.raises(UsageError, match=r"a-signed.png exists already"):
        run(SignJob(pictures=(picture,), **pair))
    assert there.read_bytes() == b"mine"
    (done,) = run(SignJob(pictures=(picture,), overwrite=True, **pair))
    assert (done.path, done.source, done.made, done.ingredients) == (there, picture, "generated", ())
    assert impasto.verify(there).state == "untrusted"


def test_it_can_be_stopped_between_pictures(pair: dict[str, Path], tmp_path: Path) -> None:
    pictures = tuple(write(tmp_path, f"{number}.png", painting(seed=number)) for number in range(3))
    answers = iter([False, True])
    with pytest.raises(StoppedError, match="stopped: 1 of 3 pictures are signed"):
        run(SignJob(pictures=pictures, out=tmp_path / "out", **pair), Context(should_stop=lambda: next(answers)))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.png"]


def test_without_the_library(pair: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    pictures = tuple(write(tmp_path, f"{number}.png", painting()) for number in range(2))
    with pytest.raises(MissingPart, match=r"pip install 'impasto\[credentials\]'"):
        run(SignJob(pictures=pictures, in_place=True, **pair))


def test_from_python(trial: TrialCertificates, pair: dict[str, Path], tmp_path: Path) -> None:
    data = painting()
    signed = impasto.sign_bytes(data, name="boats.png", **pair)
    assert impasto.verify(signed).state == "untrusted" and impasto.verify(signed, trust=trial.root).state == "valid"
    assert impasto.verify(data).state == "none"
    (done,) = impasto.sign(write(tmp_path, "a.png", data), out=tmp_path / "out", **pair)
    assert impasto.verify(str(done.path), trust=str(trial.root)).made == "generated"
    with pytest.raises(impasto.UsageError, match="key None: give a path"):
        impasto.sign("a.png", key=None, certificate=trial.certificate)  # pyright: ignore[reportArgumentType]
