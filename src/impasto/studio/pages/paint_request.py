"""The schema of a painting's request, for the pages that ask for one in their own way."""

from typing import TYPE_CHECKING

from pydantic import BaseModel

from impasto.studio.requests.models import MODELS

if TYPE_CHECKING:
    PaintRequest = BaseModel
else:
    PaintRequest = MODELS["paint"]
