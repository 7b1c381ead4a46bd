"""Masks and condition pictures are left out of an import, and the user is told."""

import io
import json
from pathlib import Path

from tests.data.importing.sources import draw_scene, import_folder, report_of, rows_of


def put(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        draw_scene(seed).save(folder / name)
    return folder


def test_condition_pictures_that_a_table_names(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "0.jpg", "0_edges.jpg", "1.jpg", "before.jpg", "2.jpg")
    rows = [
        {"image": "0.jpg", "conditioning_image": "0_edges.jpg", "text": "a pier"},
        {"target": "1.jpg", "source": "before.jpg", "prompt": "a quay"},
        {"file_name": "2.jpg", "source": "https://example.org/2.jpg", "text": "a heath"},
    ]
    (source / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    summary = import_folder(source, tmp_path / "catalogue")
    found = rows_of(tmp_path / "catalogue")
    assert {name: row["text"] for name, row in found.items()} == {"0.jpg": "a pier", "1.jpg": "a quay", "2.jpg": "a heath"}
    assert found["2.jpg"]["source"] == "https://example.org/2.jpg" and "source" not in found["1.jpg"]
    assert "condition picture of 0.jpg" in report_of(tmp_path / "catalogue")["0_edges.jpg"][1]
    assert any("left out: 0_edges.jpg, before.jpg" in note for note in summary.notes)


def test_masks_beside_pictures_and_in_a_folder_of_their_own(tmp_path: Path) -> None:
    names = (
        "a.png",
        "a-masklabel.png",
        "b.png",
        "b_mask.png",
        "images/c.png",
        "masks/c.png",
        "masks/lone.png",
        "tin_mask.png",
    )
    import_folder(put(tmp_path / "source", *names), tmp_path / "catalogue")
    assert set(rows_of(tmp_path / "catalogue")) == {"a.png", "b.png", "images/c.png", "masks/lone.png", "tin_mask.png"}
    assert "mask or condition picture of images/c.png" in report_of(tmp_path / "catalogue")["masks/c.png"][1]


def test_parquet_with_condition_pictures(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    def picture(seed: int) -> dict[str, object]:
        data = io.BytesIO()
        draw_scene(seed).save(data, "PNG")
        return {"bytes": data.getvalue(), "path": f"{seed}.png"}

    (tmp_path / "source").mkdir()
    table = {"conditioning_image": [picture(0)], "image": [picture(1)], "text": ["a pier"]}
    write_table(pyarrow.table(table), tmp_path / "source/0.parquet")
    summary = import_folder(tmp_path / "source", tmp_path / "catalogue")
    (row,) = rows_of(tmp_path / "catalogue").values()
    assert (row["file_name"], row["text"], "conditioning_image" in row) == ("1.png", "a pier", False)
    assert any("not taken: conditioning_image" in note for note in summary.notes)
