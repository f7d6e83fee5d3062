"""The links of the user, and the removal of links that the language model made up; pure."""

import re
from typing import TypeVar

from pydantic import BaseModel

Part = TypeVar("Part", bound=BaseModel)

_NO_LINK = r"\s\"'<>`|\\\[\]"  # characters that end a link in text, in JSON and in Markdown

# Users also write links without a scheme. The limits keep the time linear in the text's length.
_LINK = re.compile(
    rf"https?://[^{_NO_LINK}]+"
    rf"|(?<![\w.@/-])(?:[\w-]{{1,63}}\.){{1,5}}[^\W\d_]{{2,63}}(?:[:/?#][^{_NO_LINK}]*)?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_JSON_ESCAPE = re.compile(r"\\u([0-9a-f]{4})", re.IGNORECASE)
_AFTER_LINK = ".,;:!?)}*_/"


def find_links(text: str) -> frozenset[str]:
    """Return the links in `text`, which may contain JSON, in a form for `keep_known_links`."""
    unescaped = _JSON_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text.replace("\\/", "/"))
    found = _LINK.findall(unescaped)
    # A comma is legal in a link, but in most texts it ends one.
    return frozenset(_normalize(each) for link in found for each in (link, _up_to_comma(link)))


def keep_known_links(part: Part, known: frozenset[str]) -> Part:
    """Return a plan, a session or an exercise without links that are not in `known`."""
    for name in ("sessions", "exercises"):
        if name in type(part).model_fields:
            kept = [keep_known_links(each, known) for each in getattr(part, name)]
            return part.model_copy(update={name: kept})
    link: str = getattr(part, "link", "")
    return part.model_copy(update={"link": ""}) if link and _normalize(link) not in known else part


def _up_to_comma(link: str) -> str:
    return re.split("[,;]", link, maxsplit=1)[0]


def _normalize(link: str) -> str:
    return _SCHEME.sub("", link, count=1).rstrip(_AFTER_LINK).lower()
