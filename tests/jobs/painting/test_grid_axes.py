"""Axes of a sheet: what is typed becomes values, and values change a picture."""

from pathlib import Path

import pytest

from impasto.errors import ImpastoError, UsageError
from impasto.jobs.painting.grid_axes import AXES, NUMBERS_OF, Axis, cross
from impasto.jobs.painting.picture import Picture

BOATS = Picture(prompt="boats")


def parse(text: str) -> Axis:
    return Axis.parse("--rows", text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("artist=Claude Monet, Rembrandt,", ("Claude Monet", "Rembrandt")),
        ("Artist=Monet, Claude; Rembrandt", ("Monet, Claude", "Rembrandt")),
        ("prompt=boats, at sunset; a harbour", ("boats, at sunset", "a harbour")),
        ("seed=1-3,7", ("1", "2", "3", "7")),
        ("steps=10-50:20", ("10", "30", "50")),
        ("lora=none,runs/monet-2:0.8", ("none", "runs/monet-2:0.8")),
        ("year=-50,1872", ("-50", "1872")),
        ("guidance-interval=0.2,0.8;0,0.5", ("0.2,0.8", "0,0.5")),
    ],
)
def test_values(text: str, values: tuple[str, ...]) -> None:
    assert parse(text).values == values


def test_values_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("\ufeffboats, at sunset\n\n  a harbour; dusk  \n", "utf-8")
    assert parse(f"prompt=@{tmp_path}/prompts.txt").values == ("boats, at sunset", "a harbour; dusk")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("artist", "use AXIS=VALUES"),
        ("painter=Monet", "no axis 'painter', use prompt, artist"),
        ("artist= , ", "has no values"),
        ("seed=9-1", "counts nothing"),
        ("seed=1-9:0", "counts nothing"),
        ("seed=1-99999999", "counts too far"),
        ("seed=" + "1-9000," * 2, "at most 10000"),
        ("prompt=@nowhere.txt", r"nowhere\.txt: there is no such file"),
    ],
)
def test_what_is_no_axis(text: str, words: str) -> None:
    with pytest.raises(ImpastoError, match=words):
        parse(text)


def test_every_axis_changes_what_it_is_called() -> None:
    given = {"year": "1872", "seed": "3", "steps": "4", "guidance": "2.5", "eta": "0.5", "size": "64", "expand": "wu2022"}
    read = {"year": 1872, "seed": 3, "steps": 4, "guidance": 2.5, "eta": 0.5, "lora": ("word",), "concept": ("word",)}
    read |= {"like": ("word",), "strength": 0.4, "guide": ("word",), "cross-replace": 0.4, "self-replace": 0.4}
    given |= dict.fromkeys(("strength", "cross-replace", "self-replace"), "0.4")
    given |= {"expand-rank": "2", "expand-seed": "5"}
    read |= {"expand-rank": 2, "expand-seed": 5}
    for name in AXES.keys() - NUMBERS_OF.keys():
        axis = Axis(name, (given.get(name, "word"),))
        changed = axis.apply(Picture(), axis.values[0])
        assert getattr(changed, AXES[name].field) == read.get(name, axis.values[0])
        assert sum(getattr(changed, field) != getattr(Picture(), field) for field in Picture.model_fields) == 1


def test_a_weight_is_of_the_picture_to_be_like() -> None:
    weight, like = Axis("weight", ("0.5", "2")), Axis("like", ("none", "a.png:3", "b.png"))
    for cells in (cross(like, weight, BOATS), list(zip(*cross(weight, like, BOATS), strict=True))):
        found = [[picture.like for picture in row] for row in cells]
        assert found == [[(), ()], [("a.png:0.5",), ("a.png:2.0",)], [("b.png:0.5",), ("b.png:2.0",)]]
    with pytest.raises(UsageError, match="the axis weight needs a picture to be like: add --like"):
        cross(weight, Axis(), BOATS)


def test_weights_of_guides_and_of_controls() -> None:
    guided = Picture(prompt="boats", guides=("classifier:a:Monet,2", "scorer:150,until=0.5"))
    ((one, none),) = cross(Axis(), Axis("guide-weight", ("50", "0")), guided)
    assert one.guides == ("classifier:a:Monet,2", "scorer:50.0,until=0.5") and none.guides[1] == "scorer:0.0,until=0.5"
    rows = cross(Axis("guide", ("none", "scorer")), Axis("guide-weight", ("5", "7")), BOATS)
    assert [[cell.guides for cell in row] for row in rows] == [[(), ()], [("scorer:5.0",), ("scorer:7.0",)]]
    ((one, _),) = cross(Axis(), Axis("control-weight", ("0.5", "1")), Picture(control=("canny=a.png", "map=b.png")))
    assert one.control_weight == (0.5,)
    for axis, owner in (("guide-weight", "guide"), ("control-weight", "control")):
        with pytest.raises(UsageError, match=f"{axis} needs a {owner}: add --{owner}"):
            cross(Axis(axis, ("1",)), Axis(), BOATS)


def test_a_method_takes_away_what_is_for_another() -> None:
    wiki = Picture(prompt="boats", index=Path("wiki"), expand="wu2022")
    methods, ranks = Axis("expand", ("off", "wu2022", "wang2023")), Axis("expand-rank", ("1", "3"))
    with pytest.raises(UsageError, match="leave --expand away"):
        cross(methods, ranks, wiki)
    wiki = wiki.model_copy(update={"expand": "off"})
    for cells in (cross(methods, ranks, wiki), list(zip(*cross(ranks, methods, wiki), strict=True))):
        found = [[(one.expand, one.expand_rank, one.index) for one in row] for row in cells]
        assert found[0] == [("off", 1, None)] * 2
        assert found[1] == [("wu2022", 1, Path("wiki")), ("wu2022", 3, Path("wiki"))]
        assert found[2] == [("wang2023", 1, None), ("wang2023", 3, None)]
    with pytest.raises(UsageError, match="--index is for expand=wu2022, which is no value of this axis"):
        cross(Axis("expand", ("off", "wang2023")), Axis(), wiki)


def test_none_leaves_away() -> None:
    monet = Picture(artist="Monet", lora=("student",))
    assert Axis("artist").apply(monet, "none").artist == ""
    assert Axis("lora").apply(monet, "None").lora == ("student",)
    assert Axis("lora").apply(monet, "a").lora == ("student", "a")
    assert Axis("lora").title("none") == "no lora" and Axis("steps").title("20") == "20 steps"


def test_a_scale_is_of_the_other_axis_lora_or_of_the_last() -> None:
    scale, lora = Axis("scale", ("0.5", "2")), Axis("lora", ("none", "runs/a:0.8"))
    for cells in (cross(lora, scale, BOATS), list(zip(*cross(scale, lora, BOATS), strict=True))):
        assert [[picture.lora for picture in row] for row in cells] == [[(), ()], [("runs/a:0.5",), ("runs/a:2.0",)]]
    beside = cross(lora, scale, Picture(lora=("student:0.7",)))
    assert [picture.lora for picture in beside[0]] == [("student:0.7",)] * 2
    assert beside[1][0].lora == ("student:0.7", "runs/a:0.5")
    (row,) = cross(Axis(), scale, Picture(lora=("student", "b")))
    assert [picture.lora for picture in row] == [("student", "b:0.5"), ("student", "b:2.0")]


@pytest.mark.parametrize(
    ("rows", "columns", "picture", "words"),
    [
        ("artist=a,b", "artist=c", BOATS, "both the rows and the columns"),
        ("prompt=a;b", "seed=1", BOATS, "leave PROMPT away"),
        ("seed=1", "steps=1", Picture(seed=4), "leave --seed away"),
        ("size=64", "steps=1", Picture(width=64), "leave --width away"),
        ("scale=1", "steps=1", BOATS, "scale needs a LoRA"),
        ("scale=11", "lora=a", BOATS, "scale 11"),
        ("steps=few", "seed=1", BOATS, "steps 'few': use a whole number"),
        ("guidance=strong", "seed=1", BOATS, "guidance 'strong': use a number"),
    ],
)
def test_axes_that_make_no_sheet(rows: str, columns: str, picture: Picture, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        cross(parse(rows), parse(columns), picture)
