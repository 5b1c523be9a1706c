"""From log events to files of logs: one per stream, as the export to S3 would have written it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from operator import attrgetter

from trueup.sources.aws import Event, export_text
from trueup.sources.limits import Guard, TooMuch
from trueup.sources.logfile import LogFile
from trueup.sources.slices import Slice, Spool

_HELD = 64 << 20
"""Bytes of text that wait in memory until they go to the spool."""


def stream_files(
    name: str, stream: str, events: Iterable[Event], spool: Spool, guard: Guard
) -> tuple[list[LogFile], str]:
    """Return the streams of an export as files, `<name>!<stream>` each; long ones in several parts.

    What names no stream belongs to `stream`, and is called as the export is. With it comes the
    limit that ended the reading, if one did.
    """
    parts: defaultdict[str, list[Slice]] = defaultdict(list)
    waiting: defaultdict[str, list[Event]] = defaultdict(list)
    size, problem = 0, ""
    try:
        for event in events:
            waiting[event.stream].append(event)
            size += len(event.message)
            if size > _HELD:
                _put(waiting, parts, spool, guard)
                size = 0
        _put(waiting, parts, spool, guard)
    except TooMuch as limit:
        problem = str(limit)
    files = [
        _file(name, of or stream, is_named=bool(of), part=part, content=content)
        for of, contents in sorted(parts.items())
        for part, content in enumerate(contents)
    ]
    return files, problem


def _put(
    waiting: defaultdict[str, list[Event]],
    parts: defaultdict[str, list[Slice]],
    spool: Spool,
    guard: Guard,
) -> None:
    for stream, events in sorted(waiting.items()):
        # Some exports are newest first. In order of time, lines are numbered as CloudWatch's export
        # numbers them.
        events.sort(key=attrgetter("time"))
        parts[stream].append(spool.add(export_text(events), guard))
    waiting.clear()


def _file(name: str, stream: str, *, is_named: bool, part: int, content: Slice) -> LogFile:
    export = f"{name}!{stream}" if is_named else name
    return LogFile(
        f"{export}/{part:06}" if part else export,
        content.path,
        stream,
        content.size,
        offset=content.offset,
        export=export,
        is_inner=True,
    )
