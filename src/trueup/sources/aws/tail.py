"""What `aws logs tail` prints: formats detailed and json, and short, which says only seconds.

As its source has it (awscli/customizations/logs/tail.py): `detailed` prints the time to the
microsecond with its zone, the stream and the message; `json` the same, but a message that is JSON
indented on the lines below, and no fraction for a whole second; `short` the time to the second and
the message. Messages lose the white space at their end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trueup.sources.aws.documents import on_one_line
from trueup.sources.aws.events import LIMIT, TOO_LARGE, Event, Note, Tally

_COLOUR = r"(?:\x1b\[[\d;]*+m)*+"
_SECOND = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
DETAILED = re.compile(
    rf"{_COLOUR}({_SECOND}(?:\.\d{{6}})?)\+00:00{_COLOUR} {_COLOUR}([^\s\x1b]++){_COLOUR} ?(.*)"
)
SHORT = re.compile(rf"{_COLOUR}({_SECOND}){_COLOUR} (.*)")
_OWN_TIME = re.compile(rf'(?:\{{"time(?:stamp)?":\s?")?({_SECOND})\.(\d{{3}})\d*Z["\t]')


def read_tail(pieces: Iterator[str], tally: Tally, note: Note) -> Iterator[Event]:
    """Yield the events of formats detailed and json."""
    for found, message in _messages(pieces, DETAILED, note):
        event = tally.event(found[2], found[1], message)
        if event is not None:
            yield event


def read_short_tail(pieces: Iterator[str], tally: Tally, note: Note) -> Iterator[Event]:
    """Yield the events of format short, with the milliseconds that can be known.

    A message of the service says its own time. Any other, as Lambda's START and END, gets that of
    the latest event before it in its second, and the second's beginning where there is none.
    """
    latest = ""
    for found, message in _messages(pieces, SHORT, note):
        second = found[1]
        own = _OWN_TIME.match(message)
        if own and own[1] == second:
            at = f"{second}.{own[2]}"
        else:
            at = latest if latest.startswith(second) else f"{second}.000"
        latest = max(latest, at) if latest.startswith(second) else at
        event = tally.event("", at, message)
        if event is not None:
            yield event


def _messages(
    pieces: Iterator[str], heading: re.Pattern[str], note: Note
) -> Iterator[tuple[re.Match[str], str]]:
    """Yield the heading and the message of each event: all lines up to the next heading."""
    found: re.Match[str] | None = None
    lines: list[str] = []
    size = 0
    for line in _lines(pieces):
        match = heading.fullmatch(line)
        if match:
            if found:
                yield found, _message(found, lines)
            found, lines, size = match, [], len(line)
        elif found:
            size += len(line)
            if size <= LIMIT:
                lines.append(line)
            else:
                note(f"an event of {TOO_LARGE.why} was cut")
        elif line.strip():
            note("text before the first event belongs to none")
    if found:
        yield found, _message(found, lines)


def _message(found: re.Match[str], lines: list[str]) -> str:
    message = "\n".join((found[found.lastindex or 0], *lines)).rstrip()
    if message.startswith("\n{"):  # format json
        return on_one_line(message[1:])
    return message


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    """Yield lines without their end; one over the limit comes in parts."""
    kept = ""
    for piece in pieces:
        *lines, kept = (kept + piece).split("\n")
        for line in lines:
            yield line.removesuffix("\r")
        if len(kept) > LIMIT:
            yield kept
            kept = ""
    if kept:
        yield kept
