"""Unusual changes: which changes of a balance are out of line with the subscriber's others.

Each method fills the table `unusual_changes`: attempt_id, usual (the usual change), allowed (how
far from it is not unusual; NULL for a learned method, which knows no limit), score (how many times
as far this one is; a learned method's own score, which compares within one run alone) and basis
(whose history it was held against). A change is what a transaction adds to its balance;
currencies never mix.
"""

from __future__ import annotations

from importlib.resources import files as package_files

from trueup.books.ledger import Books
from trueup.config import Settings
from trueup.config_values import LEARNED_METHODS


def find_unusual_changes(books: Books, settings: Settings) -> None:
    """Make the table `unusual_changes` by the method of the settings."""
    method = settings.checks_unusual_method
    if method in LEARNED_METHODS:
        from trueup.checks.unusual.learned import find_by_learning

        find_by_learning(books, settings)
        return
    statement = package_files("trueup.checks").joinpath("unusual", f"{method}.sql").read_text()
    books.connection.execute(f"CREATE OR REPLACE TABLE unusual_changes AS {statement}")
