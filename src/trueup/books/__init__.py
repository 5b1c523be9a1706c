"""The books: what was read as tables in DuckDB, with the sums that every check shares."""

from trueup.books.ledger import Books, keep_books

__all__ = ["Books", "keep_books"]
