import pytest

from impasto.files import decoded

TEXT = "café, 日没\r\nthé"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marked_texts_and_utf_8_are_decoded(encoding: str) -> None:
    assert decoded(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_unmarked_western_texts_are_decoded(encoding: str) -> None:
    assert decoded("café\nthé".encode(encoding)) == "café\nthé"


def test_odd_bytes() -> None:
    assert decoded(b"") == "" and decoded(b"\x80 1 \x81") == "€ 1 \x81"
    with pytest.raises(UnicodeDecodeError):
        decoded(b"\xff\xfe\x00\xd8")
