"""A painting leaves the house with credentials: signed, verified, painted again, changed by somebody, and noticed."""

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.journeys.conftest import Answer, Impasto
from tests.painting.credentials.pictures import painting, repainted
from tests.painting.editing.pictures import drawn, write

PAIR = ("--key", "mine/key.pem", "--certificate", "mine/certificate.pem")
QUICK = ("--steps", 2, "--seed", 3)


@pytest.fixture
def mine(impasto: Impasto) -> Answer:
    """Certificates for trying, in the folder `mine`."""
    return impasto("credentials", "make-test", "mine", "--name", "Ada's studio")


def shown(impasto: Impasto, *words: object) -> dict:
    return json.loads(impasto("show", *words, "--json").out)["credentials"]


def test_a_painting_is_signed_shown_and_painted_again(impasto: Impasto, mine: Answer) -> None:
    assert mine.out.splitlines() == ["mine/key.pem", "mine/certificate.pem", "mine/root.pem"]
    assert mine.err.startswith("note: these certificates are for trying: nobody trusts them")
    assert Path("mine/key.pem").stat().st_mode & 0o777 == 0o600
    assert impasto("paint", "boats", *QUICK, "--out", "boats.png").code == 0
    plain = Path("boats.png").read_bytes()
    done = impasto("sign", "boats.png", *PAIR)
    assert (done.code, done.out) == (0, "boats-signed.png\n") and Path("boats.png").read_bytes() == plain
    assert done.err == "note: this certificate is for trying: nobody trusts it (docs/credentials.md)\n"
    who = "Ada's studio of Impasto test certificates (not trusted)"
    answer = impasto("show", "boats-signed.png")
    assert "prompt: boats\n" in answer.out and "seed: 3\n" in answer.out and answer.code == 0
    untrusted = f"untrusted: unchanged since it was signed by {who}, for whom no trusted root vouches"
    assert f"credentials: {untrusted}\n" in answer.out
    assert "credentials say: made by a model (written by impasto " in answer.out
    trusted = impasto("show", "boats-signed.png", "--trust", "mine/root.pem").out
    assert f"credentials: valid: unchanged since it was signed by {who}\n" in trusted
    found = shown(impasto, "boats-signed.png", "--trust", "mine/root.pem")
    assert (found["state"], found["signer"], found["made"]) == ("valid", "Ada's studio", "generated")
    assert "credentials" not in impasto("show", "boats.png").out and shown(impasto, "boats.png")["state"] == "none"
    assert impasto("repaint", "boats-signed.png", "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == plain


def test_a_changed_picture_is_named_and_ends_with_1(impasto: Impasto, mine: Answer) -> None:
    Path("boats.png").write_bytes(painting())
    assert impasto("sign", "boats.png", *PAIR, "--in-place").out == "boats.png\n"
    Path("changed.png").write_bytes(repainted(Path("boats.png").read_bytes()))
    answer = impasto("show", "changed.png", "--trust", "mine/root.pem")
    assert answer.code == 1 and answer.err.count("\n") == 1
    assert answer.err.startswith("error: changed.png is not what was signed: its credentials are tampered: changed after it")
    assert "credentials: tampered: changed after it was signed in the name of Ada's studio" in answer.out
    told = impasto("show", "changed.png", "--json")
    assert told.code == 1 and json.loads(told.out)["credentials"]["state"] == "tampered"


def test_a_photograph_that_was_painted_over(impasto: Impasto, mine: Answer) -> None:
    write(drawn(64, 64), Path("photo.jpg"))
    words = ("paint", "dusk", "--from", "photo.jpg", "--keep-source", "inside", "--out", "dusk.png", *QUICK)
    assert impasto(*words).code == 0
    done = impasto("sign", "dusk.png", *PAIR, "--out", "signed", "--json", "--with-prompt")
    assert json.loads(done.out) == {"file": "signed/dusk.png", "from": "dusk.png", "made": "composite",
                                    "ingredients": ["photo.jpg"]}  # fmt: skip
    assert "credentials say: a picture changed by a model, from photo.jpg" in impasto("show", "signed/dusk.png").out
    assert shown(impasto, "signed/dusk.png")["ingredients"][0]["relationship"] == "inputTo"
    # The photograph is still inside, and the painting is painted again from it.
    Path("photo.jpg").unlink()
    assert impasto("repaint", "signed/dusk.png", "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("dusk.png").read_bytes()


def test_other_formats_and_pictures_without_a_record(impasto: Impasto, mine: Answer) -> None:
    for name in ("a.jpg", "b.webp", "c.png"):
        write(drawn(24, 20), Path(name))
    refused = impasto("sign", "a.jpg", *PAIR)
    assert refused.code == 2 and "error: a.jpg has no record of how it was made: say with --as" in refused.err
    done = impasto("sign", "a.jpg", "b.webp", "c.png", *PAIR, "--as", "composite")
    assert done.out.splitlines() == ["a-signed.jpg", "b-signed.webp", "c-signed.png"]
    for name in done.out.splitlines():
        answer = impasto("show", name)
        assert answer.code == 0 and "credentials: untrusted: " in answer.out, answer.err
        assert "credentials say: a picture changed by a model" in answer.out
        assert answer.err == f"note: {name} holds no record of how it was made\n"
    plain = impasto("show", "a.jpg")
    assert plain.code == 1 and "holds no record" in plain.err


def test_without_the_extra_one_note_says_what_to_install(
    impasto: Impasto, mine: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("boats.png").write_bytes(painting())
    assert impasto("sign", "boats.png", *PAIR).code == 0
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    answer = impasto("show", "boats-signed.png")
    assert answer.code == 0 and "prompt: boats at sunset\n" in answer.out
    assert "credentials: there are some, not verified\n" in answer.out
    assert answer.err == (
        "note: boats-signed.png has credentials, which are not verified: Content Credentials need c2pa-python, which is not "
        "installed: pip install 'impasto[credentials]'\n"
    )
    assert shown(impasto, "boats-signed.png") == {"state": "unverified"}
    assert impasto("show", "boats.png").err == ""
    refused = impasto("sign", "boats.png", *PAIR, "--overwrite")
    assert refused.code == 1 and refused.err.count("\n") == 1 and "pip install 'impasto[credentials]'" in refused.err


def test_what_cannot_be_asked(impasto: Impasto, mine: Answer) -> None:
    Image.new("RGB", (9, 9)).save("a.png")
    Path("text.pem").write_text("no certificate")
    before = sorted(Path.cwd().iterdir())
    for words, code, said in (
        (("sign", "a.png"), 2, "--key"),
        (("sign", *PAIR), 2, "PICTURE"),
        (("sign", "a.png", "--key", "mine/key.pem", "--certificate", "mine/root.pem"), 2, "does not belong"),
        (("sign", "a.png", "--key", "mine/root.pem", "--certificate", "mine/root.pem"), 2, "is it the certificate?"),
        (("sign", "a.png", "--key", "gone.pem", "--certificate", "mine/root.pem"), 2, "--key gone.pem"),
        (("sign", "gone.png", *PAIR), 2, "gone.png"),
        (("sign", "text.pem", *PAIR), 2, "PNG, JPEG, WebP"),
        (("sign", "a.png", *PAIR, "--as", "art"), 2, "--as art"),
        (("sign", "a.png", *PAIR, "--out", "x", "--in-place"), 2, "--in-place"),
        (("sign", "a.png", *PAIR, "--timestamp-url", "x"), 2, "--timestamp-url 'x'"),
        (("credentials", "make-test", "mine"), 2, "mine/key.pem exists already"),
        (("credentials", "make-test", "text.pem"), 2, "text.pem is not a folder"),
        (("credentials", "make-test", "new", "--days", 0), 2, "--days 0"),
        (("show", "a.png", "--trust", "text.pem"), 2, "--trust text.pem holds no certificate"),
    ):
        answer = impasto(*words)
        lines = [line for line in answer.err.splitlines() if not line.startswith("note: ")]
        assert answer.code == code and len(lines) == 1 and said in lines[0], (words, answer)
    assert sorted(Path.cwd().iterdir()) == before
    assert "make-test" in impasto("credentials").out
