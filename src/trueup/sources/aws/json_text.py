"""JSON values, one after another, from text that arrives in pieces.

No more is kept than one value of `LIMIT` characters and a piece. What decodes at once is left to
the standard library's decoder, which takes a few hundred megabytes a second; only what a piece's end
cuts, what is too large and what is damaged is walked through bracket by bracket.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from trueup.sources.aws.events import DAMAGED, LIMIT, TOO_LARGE


class BrokenJsonError(Exception):
    """The text ends too soon, or what stands in it is no JSON; its words say which."""


CUT = "the JSON is cut off"
CUT_IN_EVENT = "the JSON is cut off in the middle of an event"
NO_JSON = "the JSON is damaged: what follows was not read"

# People's editors break lines inside strings.
_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[\s\ufeff\x00]*+")
_SCALAR = re.compile(r"[-+.\w]+")
_IN_STRING = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_BETWEEN = re.compile(r'[^"{}\[\]]*+')


class JsonText:
    """A place in a JSON text."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text = ""
        self._place = 0
        self._began = 0

    def peek(self) -> str:
        """Return the next character that is no space; '' at the end."""
        while True:
            space = _SPACE.match(self._text, self._place)
            self._place = space.end() if space else self._place
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._read_on():
                return ""

    def skip(self) -> None:
        """Pass over the character that was peeked at."""
        self._place += 1

    def skip_line(self) -> None:
        """Pass over the rest of the line."""
        while (end := self._text.find("\n", self._place)) < 0:
            self._place = len(self._text)
            if not self._read_on():
                return
        self._place = end

    def value(self) -> object:
        """Read a value: what the JSON says, or an `Unreadable`. Numbers and the like: None."""
        first = self.peek()
        if first and first in '{["':
            try:
                value, end = _DECODER.raw_decode(self._text, self._place)
            except (ValueError, RecursionError):
                return self._walked()
            self._began, self._place = self._place, end
            return value
        while not (scalar := _SCALAR.match(self._text, self._place)) or (
            scalar.end() == len(self._text)
        ):
            if len(self._text) - self._place > LIMIT or (first and not scalar):
                raise BrokenJsonError(NO_JSON)
            if not self._read_on():
                raise BrokenJsonError(CUT)
        self._place = scalar.end()
        return None

    def raw(self) -> str:
        """Return the text of the object, list or string that was read last."""
        return self._text[self._began : self._place]

    def items(self) -> Iterator[object]:
        """Read the items of the list that begins here."""
        self.skip()
        while self.peek() != "]":
            yield self.value()
            self._pass_comma("]")
        self.skip()

    def keys(self) -> Iterator[str]:
        """Read the keys of the object that begins here; the value of each is left to be read."""
        self.skip()
        while self.peek() != "}":
            key = self.value()
            if self.peek() != ":" or not isinstance(key, str):
                raise BrokenJsonError(NO_JSON if self.peek() else CUT)
            self.skip()
            yield key
            self._pass_comma("}")
        self.skip()

    def _pass_comma(self, end: str) -> None:
        following = self.peek()
        if following == ",":
            self.skip()
        elif following != end:
            raise BrokenJsonError(NO_JSON if following else CUT)

    def _read_on(self) -> bool:
        for piece in self._pieces:
            if piece:
                self._text = self._text[self._place :] + piece
                self._place = 0
                return True
        return False

    def _walked(self) -> object:
        """Read a value by its brackets and quotes alone, until it can be decoded."""
        place, depth, in_string, is_large = self._place, 0, False, False
        while True:
            token = (_IN_STRING if in_string else _BETWEEN).match(self._text, place)
            place = token.end() if token else place
            char = self._text[place : place + 1]
            if char in {"", "\\"}:
                if place - self._place > LIMIT:
                    self._place, is_large = place, True
                kept = place - self._place
                if not self._read_on():
                    raise BrokenJsonError(CUT_IN_EVENT)
                place = kept
                continue
            place += 1
            if char == '"':
                in_string = not in_string
            else:
                depth += 1 if char in "{[" else -1
            if depth <= 0 and not in_string:
                break
        self._began, self._place = self._place, place
        if is_large or place - self._began > LIMIT:
            return TOO_LARGE
        try:
            return _DECODER.decode(self.raw())
        except (ValueError, RecursionError):
            return DAMAGED
