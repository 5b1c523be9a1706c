"""From an export in one of AWS's shapes to its events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from trueup.sources.aws.documents import read_documents, read_objects
from trueup.sources.aws.events import Event, Note, Tally
from trueup.sources.aws.insights import in_log_order, read_table
from trueup.sources.aws.shapes import Shape
from trueup.sources.aws.tail import read_short_tail, read_tail
from trueup.sources.aws.text import blocks_of, pieces_of

_READERS: dict[str, Callable[[Iterator[str], Tally, Note], Iterator[Event]]] = {
    Shape.FILTERED: read_documents,
    Shape.SUBSCRIPTION: read_documents,
    Shape.QUERY_RESULTS: read_documents,
    Shape.INSIGHTS_JSON: read_objects,
    Shape.EVENTS: read_objects,
    Shape.LAMBDA_JSON: read_objects,
    Shape.TABLE: read_table,
    Shape.TAIL: read_tail,
    Shape.SHORT_TAIL: read_short_tail,
}
_NEWEST_FIRST = {Shape.QUERY_RESULTS, Shape.INSIGHTS_JSON, Shape.TABLE}


def read_events(shape: str, opened: BinaryIO, *, note: Note) -> Iterator[Event]:
    """Yield the events of an export, those of a millisecond in the order of the log.

    `shape` is what `shape_of` said. Yields all that can be read before any damage; `note` is told
    each problem once, in plain words. Nothing in the bytes raises, and no more of them is held than
    an event of 4 MB and a piece.
    """
    tally = Tally()
    said: set[str] = set()

    def say(problem: str) -> None:
        if problem not in said:
            said.add(problem)
            note(problem)

    events = _READERS[shape](pieces_of(blocks_of(opened), say), tally, say)
    yield from in_log_order(events) if shape in _NEWEST_FIRST else events
    tally.report(say)
