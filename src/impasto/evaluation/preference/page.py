"""The HTML page that asks for votes, and a content security policy that allows only the page's own inline code."""

import base64
import hashlib
import re
from importlib.resources import files


def _hash(tag: str, page: str) -> str:
    """The CSP source hash of the page's only inline `tag`."""
    (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


_TEXT = files("impasto.evaluation.preference").joinpath("page.html").read_text("utf-8")
PAGE = _TEXT.encode()
# The page requests the pictures itself and shows them from memory (blob:); nothing else may be loaded, run or sent.
POLICY = (
    f"default-src 'none'; script-src {_hash('script', _TEXT)}; style-src {_hash('style', _TEXT)}; img-src blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
