"""The page that asks, and the policy under which a browser runs nothing but what stands in it."""

import base64
import hashlib
import re
from importlib.resources import files


def _hash(tag: str, page: str) -> str:
    """CSP's source for the one inline `tag` of the page."""
    (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


_TEXT = files("impasto.evaluation.preference").joinpath("page.html").read_text("utf-8")
PAGE = _TEXT.encode()
# Pictures come by the page's own requests and are shown from memory (blob:); nothing else may be loaded, run or sent.
POLICY = (
    f"default-src 'none'; script-src {_hash('script', _TEXT)}; style-src {_hash('style', _TEXT)}; img-src blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
