"""Labels: what was injected, and which findings it must give rise to."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from trueup.injecting.book import Logged
from trueup.injecting.printing import milliseconds, number
from trueup.sample.printing import stamp

SCHEMA = "trueup.injected/1"

LABELS = "labels.json"

Value = str | int | list[str | None] | list[str]


@dataclass(frozen=True, slots=True)
class Expected:
    """A finding that an audit must make; what does not identify it is None."""

    check: str
    cause: str | None = None
    subscriber_id: str | None = None
    currency: str | None = None
    transaction_id: str | None = None
    request_id: str | None = None
    error: str | None = None
    day: str | None = None

    def as_fields(self) -> dict[str, str | None]:
        """Return what is known of it, by name."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value
            for name, value in fields.items()
            if value is not None or name not in {"error", "day"}
        }


def about(this: Logged, check: str, cause: str | None = None) -> Expected:
    """Return the finding of a check about a transaction."""
    return Expected(
        check, cause, this.subscriber_id, this.currency, this.transaction_id, this.request_id
    )


@dataclass(frozen=True, slots=True)
class Label:
    """One injected fault: the finding that must tell of it, and those that come along with it."""

    fault: str
    finding: Expected
    at: int
    """Time of the finding in milliseconds; for a day, its midnight."""
    changed: Mapping[str, Value]
    message_id: str | None = None
    factor: str | None = None
    also: Sequence[Expected] = field(default_factory=tuple)

    def as_fields(self) -> dict[str, Any]:
        """Return the label as it stands in the file."""
        fields: dict[str, Any] = {
            "fault": self.fault,
            **self.finding.as_fields(),
            "message_id": self.message_id,
            "at": stamp(self.at),
            "changed": dict(self.changed),
        }
        if self.factor is not None:
            fields["factor"] = self.factor
        if self.also:
            fields["also"] = [finding.as_fields() for finding in self.also]
        return fields

    def sort_key(self) -> tuple[str, ...]:
        """Return its place in the file: fault, subscriber, time, ids."""
        found = self.finding
        ids = (found.subscriber_id, stamp(self.at), found.transaction_id, found.request_id)
        return self.fault, *(text or "" for text in (*ids, self.message_id))


def from_to(old: Decimal | str | None, new: Decimal | str | None) -> list[str | None]:
    """Return an old and a new value as a label names them."""
    return [number(value) if isinstance(value, Decimal) else value for value in (old, new)]


def moment(time: dt.datetime) -> int:
    """Return a transaction's time as a label takes it."""
    return milliseconds(time)


def write_labels(folder: Path, head: Mapping[str, Any], labels: Iterable[Label]) -> None:
    """Write the file of labels: what they were made from, then a label a line."""
    ordered = sorted(labels, key=Label.sort_key)
    lines = (json.dumps(label.as_fields(), ensure_ascii=False) for label in ordered)
    start = json.dumps({"schema": SCHEMA, **head}, indent=1).removesuffix("\n}")
    text = ",\n  ".join(lines)
    (folder / LABELS).write_text(
        f'{start},\n "labels": [\n  {text}\n ]\n}}\n', encoding="utf-8", newline="\n"
    )
