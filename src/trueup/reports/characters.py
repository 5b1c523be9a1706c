"""Characters of a log's text that no report can hold, or that would do something to its reader."""

from __future__ import annotations

import re

CONTROL = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\x9f\ufffe\uffff]"
"""Control characters but tab and newlines, and what XML does not know; for Python and for DuckDB."""

_ANY = re.compile(f"{CONTROL}|[\ud800-\udfff]")


def without_control(text: str) -> str:
    """Return text with a replacement character in the place of each control character."""
    return text if text.isprintable() else _ANY.sub("\N{REPLACEMENT CHARACTER}", text)
