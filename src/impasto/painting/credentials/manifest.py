"""Writes a statement as a C2PA manifest definition, the JSON that c2pa-python signs; and reads such a manifest's words.

Actions and their source types: C2PA's specification 2.2, section 18.15, with IPTC's digital source types. The prompt and the
system are IPTC's properties AIPromptInformation and AISystemUsed (Photo Metadata Standard 2025.1), in the metadata assertion
of the CAWG.
"""

from typing import Any

from impasto import __version__
from impasto.painting.credentials.statement import Ingredient, Made, Statement

SOURCE_TYPES: dict[Made, str] = {
    "generated": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    "composite": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
}
HASH = "SHA-256 "  # before an ingredient's hash, in its description
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"


def manifest_of(statement: Statement, title: str, earlier: Ingredient | None) -> dict[str, Any]:
    """Returns the manifest definition without its ingredients, which `ingredient_of` describes.

    `earlier` is the same picture as it was signed before, if it was: the new manifest only opens it, since what was done to
    it stands in the earlier one.
    """
    kind = SOURCE_TYPES[statement.made]
    parents = [one for one in statement.ingredients if one.relationship == "parentOf"]
    inputs = [one for one in statement.ingredients if one.relationship == "inputTo"]
    agent = {"name": statement.tool, **({"version": statement.version} if statement.version else {})}
    by = {"softwareAgent": agent} if statement.tool else {}
    if earlier is not None:
        actions = [_action("c2pa.opened", [earlier]) | {"digitalSourceType": kind}]
    elif parents:
        actions = [_action("c2pa.opened", parents), _action("c2pa.edited", inputs) | by | {"digitalSourceType": kind}]
    else:
        actions = [_action("c2pa.created", inputs) | by | {"digitalSourceType": kind}]
    if statement.enlarged and earlier is None:
        actions.append({"action": "c2pa.resized", "softwareAgent": {"name": "impasto"}})
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]
    said = {"AIPromptInformation": statement.prompt, "AISystemUsed": statement.system}
    if any(said.values()):
        words = {f"Iptc4xmpExt:{name}": text for name, text in said.items() if text}
        assertions.append({"label": "cawg.metadata", "data": {"@context": {"Iptc4xmpExt": _IPTC}, **words}})
    return {"claim_generator_info": [{"name": "impasto", "version": __version__}], "title": title, "assertions": assertions}


def ingredient_of(ingredient: Ingredient) -> dict[str, Any]:
    """Returns the definition of an ingredient; its thumbnail's identifier is its hash."""
    values = {
        "title": ingredient.title, "relationship": ingredient.relationship, "label": _label(ingredient),
        "instance_id": f"sha256:{ingredient.content_hash}", "description": HASH + ingredient.content_hash,
    }  # fmt: skip
    if ingredient.media_type:
        values["format"] = ingredient.media_type
    thumbnail = {"format": "image/jpeg", "identifier": thumbnail_name(ingredient)}
    return {**values, **({"thumbnail": thumbnail} if ingredient.thumbnail else {})}


def thumbnail_name(ingredient: Ingredient) -> str:
    """Returns the identifier of an ingredient's thumbnail among a manifest's resources."""
    return f"{ingredient.content_hash}.jpg"


def _action(name: str, ingredients: "list[Ingredient]") -> dict[str, Any]:
    labels = [_label(one) for one in ingredients]
    return {"action": name, **({"parameters": {"ingredientIds": labels}} if labels else {})}


def _label(ingredient: Ingredient) -> str:
    return f"picture-{ingredient.content_hash}"
