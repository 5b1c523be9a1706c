"""What is to be changed in the text of the logs, and the changing of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trueup.injecting.printing import Change, Maker, milliseconds, with_fields
from trueup.injecting.survey import Place, Stream
from trueup.logs.entries import Entry

_GZIP = 31  # zlib's code for a gzip header, in which it leaves time and name empty


@dataclass(slots=True)
class Edits:
    """Every edit, by the entry that it concerns."""

    fields: dict[Place, dict[str, Change]] = field(default_factory=dict)
    """Changes of fields, of transactions and sync errors."""
    outcomes: dict[Place, Maker] = field(default_factory=dict)
    """New outcomes of transactions."""
    after_outcomes: dict[Place, Maker] = field(default_factory=dict)
    """Entries that follow the outcome of a transaction."""
    dropped: set[Place] = field(default_factory=set)
    """Sync errors that are left out."""
    after_ends: dict[str, str] = field(default_factory=dict)
    """Text that follows the end of an invocation, by its request id."""

    def change(self, place: Place, changes: Mapping[str, Change]) -> None:
        """Change fields of an entry; a later change of the same field replaces the earlier."""
        self.fields.setdefault(place, {}).update(changes)


_Splice = tuple[int, int, str]
"""From, to, and what stands there instead."""


def edited_files(stream: Stream, edits: Edits) -> Iterator[tuple[str, bytes]]:
    """Yield the id and the new bytes of every file of the stream that the edits touch."""
    splices: dict[int, list[_Splice]] = {}
    for entry, splice in _splices(stream, edits):
        splices.setdefault(entry[4], []).append(splice)
    for place, of_file in splices.items():
        text = stream.texts[place]
        content = _spliced(text.content, of_file)
        yield text.file_id, _packed(content) if text.is_packed else content


def _splices(stream: Stream, edits: Edits) -> Iterator[tuple[Entry, _Splice]]:
    for place, entry in stream.known.items():
        if place in edits.dropped:
            yield entry, (*_span(entry), "")
        elif changes := edits.fields.get(place):
            start, end = _span(entry)
            text = entry[2].string[start:end].decode()
            yield entry, (start, end, with_fields(text, changes))
    for place, outcome in stream.outcomes.items():
        start, end = _span(outcome)
        if make := edits.outcomes.get(place):
            yield outcome, (start, end, _made(make, outcome))
        if make := edits.after_outcomes.get(place):
            yield outcome, (end, end, _made(make, outcome))
    for request, ended in stream.ends.items():
        if following := edits.after_ends.get(request):
            yield ended, (ended[3], ended[3], following)


def _span(entry: Entry) -> tuple[int, int]:
    return entry[2].start() + 1, entry[3]


def _made(make: Maker, outcome: Entry) -> str:
    """Make an entry of the outcome's time and request."""
    time, match = outcome[0], outcome[2]
    at = datetime.fromisoformat(time.decode()).replace(tzinfo=None)
    return make(milliseconds(at), match[2].decode())


def _spliced(content: bytes, splices: list[_Splice]) -> bytes:
    """Return a file's text with the splices in it, without the newline that stood before it."""
    parts: list[bytes] = []
    position = 1
    for start, end, text in sorted(splices, key=lambda splice: splice[:2]):
        parts.append(content[position:start])
        if start == end and not content.endswith(b"\n", 0, start):
            parts.append(b"\n\n")  # the file's last line had no end
        parts.append(text.encode())
        position = end
    return b"".join((*parts, content[position:]))


def _packed(content: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    return packer.compress(content) + packer.flush()
