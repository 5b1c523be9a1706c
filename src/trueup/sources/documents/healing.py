"""Undo what a word processor does to lines of a log, where the log's structure needs it.

- **Quotes**: see `quotes`.
- **Spaces, hyphens and invisible characters** of typography are put back to plain ones (or left
  out) where both neighbours are ASCII, as all of the log's structure is. Beside other letters they
  stay, as they may belong to the text there; but odd spaces go where a line has no plain one.
- **Dashes** become hyphens in times, in ids of requests and before a number, and stay elsewhere.
- **Tabs** are put back in the lines whose layout is known to have them; what stands before an
  entry's time goes; a time alone on its line (a cell of a table) belongs to the line after it.

Capital letters at the beginning of a line are not touched, nor is what was lost for good.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from trueup.sources.documents.quotes import requote

Healer = Callable[[str], str]

_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_HYPHENS = "\u2010\u2011"
_INVISIBLE = "\u00ad\u200b-\u200f\u2060\ufeff"
_MARKS = f"{_SPACES}{_HYPHENS}{_INVISIBLE}‘’‚‛“”„‟…–—"
# An ASCII character, one of Word's own, or the end of the line.
_BEHIND = rf"(?<![^\x00-\x7f{_MARKS}])"
_AHEAD = rf"(?![^\x00-\x7f{_MARKS}])"
_ODD_SPACE = re.compile(rf"{_BEHIND}[{_SPACES}]{_AHEAD}")
_ANY_ODD_SPACE = re.compile(f"[{_SPACES}]")
_ODD_HYPHEN = re.compile(rf"{_BEHIND}[{_HYPHENS}]{_AHEAD}")
_UNSEEN = re.compile(rf"{_BEHIND}[{_INVISIBLE}]{_AHEAD}")

_DASH = "[-–—−‒]"
_DASHES = re.compile(
    rf"\d{{4}}{_DASH}\d\d{_DASH}\d\d(?=T\d\d:)"
    rf"|\b[0-9a-f]{{8}}(?:{_DASH}[0-9a-f]{{4}}){{3}}{_DASH}[0-9a-f]{{12}}\b"
    rf"|(?<=[:\[,] ){_DASH}(?=\d)"
    rf'|(?<=":){_DASH}(?=\d)'
)
_ANY_DASH = re.compile(_DASH)
_MORE_ITEMS = re.compile(r"…(?= \d+ more (?:item|character)s?\b)")

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_TIME_ALONE = re.compile(rf"\s*{_TIME}\s*")
_BEGINS_WITH_TIME = re.compile(rf"{_TIME}\s")
_REQUEST = r"(?:[0-9a-f]{8}-[0-9a-f-]{27}|undefined)"
_BEGINS_ENTRY = re.compile(rf"\s*{_TIME}\s++(?!{_REQUEST}[ \t]+[A-Z]+\b)")
_APPLICATION = re.compile(
    rf"({_TIME})[ \t]+({_TIME})[ \t]+({_REQUEST})[ \t]+"
    r"(INFO|ERROR|WARN|DEBUG|TRACE|FATAL)(?:[ \t]+|$)"
)
_PLATFORM_TIME = re.compile(rf"({_TIME})[ \t]+(?=\S)(?!{_TIME})")
_UNCAUGHT = re.compile(r"(\tUncaught Exception)[ \t]+(?=\{)")
_PLATFORM = re.compile(
    rf"({_TIME}[ \t]+(?:REPORT RequestId: \S+|INIT_REPORT Init Duration: [\d.]+ ms|INIT_START Runtime"
    r" Version: \S+)|XRAY TraceId: \S+)([ \t]+(?:[A-Z].*)?)"
)
_MEASURE = re.compile(
    r"(?<![ \t])[ \t]++((?:Billed |Init |Restore |Billed Restore )?Duration|Memory Size|Max Memory Used"
    r"|Phase|Status|Error Type|SegmentId|Sampled|Runtime Version ARN): "
)


def heal(lines: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Return the lines as one text with plain newlines, and what was healed, with counts."""
    healed = list(lines)
    notes: list[str] = []
    for healer, note in _HEALERS:
        changed = 0
        for place, line in enumerate(healed):
            new = healer(line)
            if new != line:
                healed[place] = new
                changed += 1
        if changed:
            notes.append(_counted(note, changed))
    healed, count = requote(healed)
    if count:
        notes.insert(0, _counted("Word's quotes were put back in", count))
    healed, joined = _with_their_times(healed)
    if joined:
        notes.append(
            _counted("times that stood alone were joined to the line after them in", joined)
        )
    return "".join(f"{line}\n" for line in healed), tuple(notes)


def _counted(note: str, lines: int) -> str:
    return f"{note} {lines} line{'s' if lines > 1 else ''}"


def _plain_spaces(line: str) -> str:
    if line.isascii():
        return line
    healed = _ODD_SPACE.sub(" ", line)
    # A line that had no plain space at all had all of them replaced.
    return healed if " " in line or healed == line else _ANY_ODD_SPACE.sub(" ", healed)


def _plain_hyphens(line: str) -> str:
    return line if line.isascii() else _ODD_HYPHEN.sub("-", line)


def _without_unseen(line: str) -> str:
    return line if line.isascii() else _UNSEEN.sub("", line)


def _plain_dashes(line: str) -> str:
    if line.isascii():
        return line
    return _DASHES.sub(lambda match: _ANY_DASH.sub("-", match[0]), line)


def _dots(line: str) -> str:
    return line if line.isascii() else _MORE_ITEMS.sub("...", line)


def _flush(line: str) -> str:
    if not line[:1].isspace():
        return line
    flush = line.lstrip()
    return flush if _BEGINS_WITH_TIME.match(flush) else line


def _with_tabs(line: str) -> str:
    if match := _APPLICATION.match(line):
        time, own, request, level = match.groups()
        head = f"{time} {own}\t{request}\t{level}\t"
        if line.startswith(head):
            return line
        return _UNCAUGHT.sub(r"\1 \t", head + line[match.end() :])
    if match := _PLATFORM_TIME.match(line):
        line = f"{match[1]} {line[match.end() :]}"
    if "\t" not in line and (match := _PLATFORM.fullmatch(line)):
        # The last measure ends with a tab too, but for what is said of a sandbox's start.
        rest = _MEASURE.sub(r"\t\1: ", match[2].rstrip())
        end = "" if "INIT_" in match[1] else "\t"
        return f"{match[1]}{rest}{end}"
    return line


_HEALERS: tuple[tuple[Healer, str], ...] = (
    (_without_unseen, "invisible characters were left out of"),
    (_plain_spaces, "odd spaces became plain ones in"),
    (_plain_hyphens, "Word's hyphens were put back in"),
    (_plain_dashes, "dashes became hyphens again in"),
    (_dots, "the dots of lists that Node cut off were put back in"),
    (_flush, "spaces before an entry's time were left out of"),
    (_with_tabs, "lost tabs were put back in"),
)
"""What is healed line by line, in this order: later ones read what earlier ones put back."""


def _with_their_times(lines: list[str]) -> tuple[list[str], int]:
    """Join an entry's time that stands alone, as in a table of two columns, to its text."""
    joined: list[str] = []
    count = 0
    for line in lines:
        if (
            joined
            and _TIME_ALONE.fullmatch(joined[-1])
            and line.strip()
            and not _BEGINS_ENTRY.match(f"{line} ")
        ):
            joined[-1] = _with_tabs(f"{joined[-1].strip()} {line.lstrip()}")
            count += 1
        else:
            joined.append(line)
    return joined, count
