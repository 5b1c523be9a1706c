"""A parser of the text that Node's `util.inspect` prints for an object.

It is the full reader behind the fast expressions of `layouts`: it takes any nesting, any of the
three quotes, unknown keys in any order, and yields what it can of text that is damaged or cut off.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Value: TypeAlias = "str | dict[str, Value] | list[Value]"


class Bare(str):
    """A value printed without quotes, as its text: a number, `true`, `undefined`, `[Object]`."""

    __slots__ = ()


_QUOTED = (
    r"'[^'\\]*+(?:\\.[^'\\]*+)*+'"
    r'|"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    r"|`[^`\\]*+(?:\\.[^`\\]*+)*+`"
)
_OPAQUE = r"\[[A-Za-z][^\[\]\n]*\]"  # [Object], [Array], [Function: name], [Circular *1]
_KEY = re.compile(
    rf"\s*+(?:({_QUOTED})|([A-Za-z_$][\w$]*+|{_OPAQUE}))\s*+(?:=>|:(?=\s))\s*+", re.DOTALL
)
_VALUE = re.compile(
    rf"\s*+(?:(?P<quoted>{_QUOTED})|(?P<opaque>{_OPAQUE})|(?P<open>[{{\[])|(?P<close>[}}\]])"
    r"|(?P<comma>,)|(?P<plus>\+)(?=\s)|(?P<bare>[^\s,{}\[\]'\"`]++))",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def unquote(literal: str) -> str:
    """Return the text that a quoted literal of `util.inspect` stands for."""
    body = literal[1:-1]
    return _ESCAPE.sub(_unescape, body) if "\\" in body else body


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)


def parse(text: str) -> tuple[Value | None, bool]:
    """Read the first value of the text.

    Returns the value (None where there is none) and whether it was read to its end without
    anything out of place. Depth is bounded by memory alone: no recursion.
    """
    reader = _Reader()
    position = 0
    while not reader.done:
        if reader.wants_key and (key := _KEY.match(text, position)):
            reader.key = unquote(key[1]) if key[1] else key[2]
            position = key.end()
        token = _VALUE.match(text, position)
        if not token:
            break
        reader.take(token)
        position = token.end()
    return reader.root, reader.done and reader.clean


class _Reader:
    """Where the parser stands: the open containers and the key that waits for its value."""

    def __init__(self) -> None:
        self.root: Value | None = None
        self.open: list[dict[str, Value] | list[Value]] = []
        self.key: str | None = None
        self.last: str | None = None  # the string that a following `+` continues
        self.joins = False
        self.clean = True
        self.done = False

    @property
    def wants_key(self) -> bool:
        return bool(self.open) and self.key is None

    def take(self, token: re.Match[str]) -> None:
        kind = token.lastgroup
        if kind == "quoted":
            self._put(unquote(token["quoted"]))
        elif kind == "open":
            self._put({} if token["open"] == "{" else [])
        elif kind == "close":
            self._close(token["close"])
        elif kind == "comma":
            self.key = None
        elif kind == "plus":
            self.joins = True
        else:
            self._put(Bare(token[kind or 0]))

    def _put(self, value: Value) -> None:
        joined = self.joins and isinstance(value, str) and self.last is not None
        if joined:
            value = f"{self.last}{value}"
        self.joins = False
        self.last = None if isinstance(value, (dict, list, Bare)) else value
        if not self.open:
            self._put_at_top(value)
        elif isinstance(holder := self.open[-1], list):
            self._put_in_list(holder, value, joined=joined)
        elif self.key is None:
            self.clean = False
        else:
            holder[self.key] = value
        if isinstance(value, (dict, list)):
            self.open.append(value)
            self.key = None

    def _put_at_top(self, value: Value) -> None:
        self.root = value
        # A bare word before a brace names the object's class: `Foo {`.
        self.done = not isinstance(value, (dict, list, Bare))

    def _put_in_list(self, holder: list[Value], value: Value, *, joined: bool) -> None:
        if self.key is not None:  # `[ 'a', index: 0 ]`: an array's own property
            self.key = self.last = None
        elif joined:
            holder[-1] = value
        else:
            holder.append(value)

    def _close(self, bracket: str) -> None:
        self.key = None
        self.last = None
        if not self.open:
            self.done, self.clean = True, False
            return
        closed = self.open.pop()
        if isinstance(closed, dict) != (bracket == "}"):
            self.clean = False
        self.done = not self.open
