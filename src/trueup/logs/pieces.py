"""Which files of a stream are pieces of one export, and which are exports of their own.

A piece may be cut anywhere: text before its first entry is the end of the piece before. A part
that somebody saved beside the whole begins like that too, and must not be taken for one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain

from trueup.logs.entries import Source, time_before

_DISORDER = timedelta(minutes=20)
"""Entries can stand so far behind later ones: as long as an invocation lasts, and some more."""

_TIME = len("2024-01-31T21:00:00.000Z")
_NUMBER = re.compile("[0-9]+")
_DIGITS = 20

_Begin = tuple[bytes, bytes]
"""How an entry begins, and the end of what stands before it; without white space, as copies lose it."""

_BEGIN, _BEFORE = 160, 400
"""Bytes of these that are compared."""

_WITH_BLANKS = 3
"""Times as many are looked at: most of them may be white space."""


def in_order(name: str) -> tuple[str, str]:
    """Return what puts names in order: `part10` behind `part9`."""
    return _NUMBER.sub(lambda digits: digits[0].zfill(_DIGITS), name), name


def exports_of(sources: Sequence[Source], pattern: re.Pattern[bytes]) -> list[list[Source]]:
    """Return the files of each export of a stream; they come in order of the exports' names.

    A file that is an export of its own continues the one before it, if that is another such file
    and text stands before its first entry. It does not if it is an earlier one, or if one of the
    two has the first entry of the other: then that text is of an entry that the other has whole.
    """
    sizes = Counter(source.export for source in sources)
    exports: list[list[Source]] = []
    held = _Held(pattern)
    for source in sources:
        before = exports[-1][-1] if exports else None
        if before and (
            before.export == source.export
            or (
                may_join(before, source, sizes)
                and _has_head(source, pattern)
                and held.is_new(source, exports[-1])
            )
        ):
            exports[-1].append(source)
        else:
            exports.append([source])
    return exports


def may_join(before: Source, source: Source, sizes: Mapping[str, int]) -> bool:
    """Tell whether two files that are exports of their own may be pieces of one."""
    return (
        before.piece_of == source.piece_of != ""
        and sizes[before.export] == 1
        and sizes[source.export] == 1
    )


def _has_head(source: Source, pattern: re.Pattern[bytes]) -> bool:
    first = pattern.search(source.text)
    return bool(source.text[: first.start() if first else None].strip())


class _Held:
    """Tells whether a file with text before its first entry goes on where an export ends."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self._start(())

    def _start(self, export: Sequence[Source]) -> None:
        self._export = export
        self._read = 0
        self._rest = b"\n"
        self._first: _Begin | None = None
        self._earliest = b""
        self._entries: dict[bytes, list[bytes]] = defaultdict(list)

    def is_new(self, source: Source, export: Sequence[Source]) -> bool:
        """Tell whether neither has the first entry of the other, and the file is not an earlier one."""
        if export is not self._export:
            self._start(export)
        self._read_on()
        found = list(self._begins(source.text))
        if not found or not self._entries:
            return True
        own: dict[bytes, list[bytes]] = defaultdict(list)
        for begin, before in found:
            own[begin].append(before)
        return not (
            max(own) < time_before(self._earliest[:_TIME], _DISORDER)
            or _is_among(found[0], self._entries)
            or (self._first is not None and _is_among(self._first, own))
        )

    def _read_on(self) -> None:
        """Take in the files that the export has got since the last time."""
        for source in self._export[self._read :]:
            # The last entry of the file before may go on here.
            text = self._rest + source.text[1:]
            self._rest = text[max(text.rfind(b"\n20") - _WITH_BLANKS * _BEFORE, 0) :]
            for begin, before in self._begins(text):
                # An entry alone may well be there twice: something has to stand before it.
                self._first = self._first or ((begin, before) if before else None)
                self._earliest = min(self._earliest or begin, begin)
                self._entries[begin].append(before)
        self._read = len(self._export)

    def _begins(self, text: bytes) -> Iterator[_Begin]:
        start = -1
        for match in chain(self._pattern.finditer(text), (None,)):
            end = match.start() if match else len(text)
            if start >= 0:
                begin = b"".join(text[start : min(start + _WITH_BLANKS * _BEGIN, end)].split())
                before = b"".join(text[max(start - _WITH_BLANKS * _BEFORE, 0) : start].split())
                yield begin[:_BEGIN], before[-_BEFORE:]
            start = end


def _is_among(entry: _Begin, others: Mapping[bytes, Sequence[bytes]]) -> bool:
    begin, before = entry
    return any(other.endswith(before) or before.endswith(other) for other in others.get(begin, ()))
