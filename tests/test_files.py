from pathlib import Path

import pytest

from impasto.files import decoded, replace_folder, with_usual_permissions

TEXT = "café, 日没\r\nthé"


def test_files_of_other_libraries_get_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    usual, private = tmp_path / "usual", tmp_path / "unet" / "private"
    for file in (usual, private):
        file.write_bytes(b"")
    private.chmod(0o600)
    with_usual_permissions(tmp_path)
    assert private.stat().st_mode == usual.stat().st_mode
    assert sorted(file.name for file in tmp_path.iterdir()) == ["unet", "usual"]


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


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    for content in ("first", "second"):
        with replace_folder(folder) as unfinished:
            (unfinished / "file").write_text(content)
        assert (folder / "file").read_text() == content
    with pytest.raises(ZeroDivisionError), replace_folder(folder) as unfinished:
        (unfinished / "file").write_text(str(1 / 0))
    assert (folder / "file").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_that_another_process_replaces_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, moved = tmp_path / "made", Path.replace

    def replace(path: Path, target: Path) -> Path:
        result = moved(path, target)
        if path == folder:  # the other process is faster
            folder.mkdir()
            (folder / "file").write_text("another")
        return result

    folder.mkdir()
    with monkeypatch.context() as patch, pytest.raises(OSError, match="not empty"), replace_folder(folder) as unfinished:
        (unfinished / "file").write_text("own")
        patch.setattr(Path, "replace", replace)
    assert (folder / "file").read_text() == "another"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_that_cannot_be_replaced_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, moved = tmp_path / "made", Path.replace

    def replace(path: Path, target: Path) -> Path:
        if path.suffix == ".tmp":
            raise PermissionError(13, "Permission denied")
        return moved(path, target)

    folder.mkdir()
    (folder / "file").write_text("before")
    with monkeypatch.context() as patch, pytest.raises(PermissionError), replace_folder(folder) as unfinished:
        (unfinished / "file").write_text("own")
        patch.setattr(Path, "replace", replace)
    assert (folder / "file").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
