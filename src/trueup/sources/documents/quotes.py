"""Put straight quotes back where a word processor has set typographic ones.

Nothing is touched unless the document was: some string of the log's structure stands in
typographic quotes (`id: ‘01H…’`, `{“id”:”01H…”`). Then

- a line whose strings all stand in straight quotes stays as it is (backticks, which nothing
  replaces, say nothing);
- elsewhere typographic quotes become straight, but for one inside a string in quotes of its own
  kind that is not escaped: Node would have escaped it, or taken other quotes, so it was
  typographic before (`notes: ‘it’s’`), and a straight one would end the string. Inside JSON, quotes
  beside its punctuation are its structure.

A typographic quote inside a string of the other kind is put back as well: which of the two it was
cannot be told, and the string reads either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_KINDS = {"'": "'‘’‚‛", '"': '"“”„‟', "`": "`"}
_STRAIGHT = {quote: kind for kind, quotes in _KINDS.items() for quote in quotes}
_QUOTE = re.compile("['‘’‚‛\"“”„‟`]")
_TYPOGRAPHIC = re.compile("[‘’‚‛“”„‟]")
_TABLE = str.maketrans(_STRAIGHT)

# What stands before a string of the structure, and what behind one.
_BEFORE = re.compile(r"[{\[,:+(]\s*$")
_BEHIND = re.compile(
    r"\s*(?:$|[}\])]|\+$|:|,\s*(?:$|['‘’‚‛\"“”„‟`{\[]|-?\d|\.\.\.|(?:true|false|null|undefined)\b|[A-Za-z_$][\w$]*:))"
)
_JSON_BEFORE = "{[:,\\"
_JSON_BEHIND = re.compile(r"\s*(?:$|[:}\]]|,\s*(?:[\"“”„‟{\[]|-?\d|(?:true|false|null)\b))|\\")


def requote(lines: list[str]) -> tuple[list[str], int]:
    """Return the lines with their quotes put back, and how many lines changed."""
    strings = {
        place: list(_strings(line)) for place, line in enumerate(lines) if not line.isascii()
    }
    if not any(map(_are_typographic, strings.values())):
        return lines, 0
    done, changed = list(lines), 0
    for place, found in strings.items():
        if _TYPOGRAPHIC.search(lines[place]) and _is_meant(found):
            done[place] = _straightened(lines[place], found)
            changed += done[place] != lines[place]
    return done, changed


_String = tuple[str, int, int]
"""A string of the structure: its line, and where its two quotes stand."""


def _are_typographic(strings: list[_String]) -> bool:
    return any(_TYPOGRAPHIC.match(line, start) for line, start, _ in strings)


def _is_meant(strings: list[_String]) -> bool:
    """Tell whether the strings of a line let its typographic quotes be Word's."""
    return _are_typographic(strings) or all(line[start] == "`" for line, start, _ in strings)


def _strings(line: str) -> Iterator[_String]:
    """Find the strings of the structure: from an opening quote to one that ends it."""
    position, indent = 0, len(line) - len(line.lstrip())
    endless: set[str] = set()  # kinds that nothing ends any more: no use to look again
    while opening := _QUOTE.search(line, position):
        start = opening.start()
        position = start + 1
        kind = _STRAIGHT[line[start]]
        is_first = start == indent
        if kind in endless or not (is_first or _BEFORE.search(line, max(0, start - 20), start)):
            continue
        end = _end_of_string(line, start)
        if end is None:
            endless.add(kind)
            continue
        yield line, start, end
        position = end + 1


def _end_of_string(line: str, start: int) -> int | None:
    quotes = _KINDS[_STRAIGHT[line[start]]]
    position = start + 1
    while position < len(line):
        if line[position] == "\\":
            position += 2
            continue
        if line[position] in quotes and _BEHIND.match(line, position + 1):
            return position
        position += 1
    return None


def _straightened(line: str, strings: list[_String]) -> str:
    parts: list[str] = []
    position = 0
    for _, start, end in strings:
        parts.append(line[position:start].translate(_TABLE))
        kind = _STRAIGHT[line[start]]
        parts.append(f"{kind}{_inside(line[start + 1 : end], kind)}{kind}")
        position = end + 1
    return "".join((*parts, line[position:].translate(_TABLE)))


def _inside(text: str, kind: str) -> str:
    """Straighten the quotes inside a string that stands in quotes of the kind."""
    is_json = text.startswith(("{", "["))

    def straight(match: re.Match[str]) -> str:
        quote, place = match[0], match.start()
        before = text[place - 1 : place]
        if before == "\\":
            return _STRAIGHT[quote]
        if _STRAIGHT[quote] == kind:
            return quote
        if is_json and _STRAIGHT[quote] == '"':
            is_structure = before in _JSON_BEFORE or _JSON_BEHIND.match(text, place + 1)
            return '"' if is_structure else quote
        return _STRAIGHT[quote]

    return _TYPOGRAPHIC.sub(straight, text)
