from importlib.resources import files

import pytest

from impasto.data.catalogue.artist_names import artist_name, name_key, repair_text


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("j-m-w-turner", "J. M. W. Turner"),
        ("J.M.W. Turner", "J. M. W. Turner"),
        ("Turner, J. M. W.", "J. M. W. Turner"),
        ("Joseph Mallord William Turner", "J. M. W. Turner"),
        ("pierre-auguste-renoir", "Pierre-Auguste Renoir"),
        ("Pierre_Auguste_Renoir", "Pierre-Auguste Renoir"),
        ("vincent-van-gogh", "Vincent van Gogh"),
        ("VINCENT VAN GOGH", "Vincent van Gogh"),
        ("Vincent Van Gogh", "Vincent van Gogh"),
        ("Monet, Claude", "Claude Monet"),
        ("Brueghel, Pieter the Elder", "Pieter Bruegel the Elder"),
        ("arnold-bã¶cklin", "Arnold Böcklin"),
        ("Joan MirÃ³", "Joan Miró"),
        ("joaquã\xadn-sorolla", "Joaquín Sorolla"),
        ("georges-lacombeâ\xa0", "Georges Lacombe"),
        ("petro-kholodny-(elder)", "Petro Kholodny the Elder"),
        ("utagawa-toyokuni-ii", "Utagawa Toyokuni II"),
        ("georgia-o'keeffe", "Georgia O'Keeffe"),
        ("allan-d'arcangelo", "Allan D'Arcangelo"),
        ("j.-e.-h.-macdonald", "J. E. H. Macdonald"),
        ("E.L. Kirchner", "E. L. Kirchner"),
        ("Nobody In-Particular", "Nobody In-Particular"),
        ("two\nlines", "Two Lines"),
        ("Unknown Artist", ""),
        ("", ""),
    ],
)
def test_one_form_for_every_spelling(spelling: str, name: str) -> None:
    assert artist_name(spelling) == name
    assert artist_name(name) == name


def test_keys_forget_accents_points_and_hyphens() -> None:
    assert name_key("Albrecht Dürer") == name_key("albrecht-durer") == name_key("ALBRECHT  DÜRER")
    assert name_key("Peder Severin Krøyer") == "peder severin kroyer"


def test_accents_are_left_alone_where_they_are_right() -> None:
    assert repair_text("João âme Ångström dû") == "João âme Ångström dû"


def test_the_table_names_each_artist_once() -> None:
    lines = files("impasto.data.catalogue").joinpath("artist_names.txt").read_text("utf-8").splitlines()
    keys = [name_key(name) for line in lines if not line.startswith("#") for name in line.replace(" = ", "; ").split("; ")]
    assert len(keys) == len(set(keys)) > 200
