"""The catalogue of columns: what each is called, in plain English, and what it means.

One place for every column of every report: its title, its width, what it means, what the log itself
calls it, how it is worked out, and its unit.
"""

from __future__ import annotations

from trueup.reports.columns import of_books, of_findings, of_totals
from trueup.reports.columns.look import COUNT, Look

__all__ = ["LOOKS", "Look", "in_currency", "look"]

LOOKS: dict[str, Look] = {**of_findings.LOOKS, **of_books.LOOKS, **of_totals.LOOKS}
"""Every column of trueup's own, by its name."""

_OF = " in "


def in_currency(name: str, currency: str) -> str:
    """Return the name of the column that holds such an amount in one currency."""
    return f"{name}{_OF}{currency}"


def look(name: str) -> Look:
    """Return the look of a column; one of a check of the user's own is titled by its name."""
    if name in LOOKS:
        return LOOKS[name]
    plain, is_one_currency, currency = name.partition(_OF)
    if is_one_currency and plain in LOOKS:
        return _one_currency(LOOKS[plain], currency)
    return Look(name.replace("_", " ").capitalize(), 14)


def findings_of(check: str, title: str) -> Look:
    """Return the look of the column that counts a subscriber's findings of one check."""
    return Look(check, max(9, len(check) + 2), f"open findings of {check}: {title}", COUNT)


def _one_currency(of: Look, currency: str) -> Look:
    title = f"{of.title}, {currency}"
    return of._replace(title=title, unit=currency, width=max(of.width, len(title) + 1))
