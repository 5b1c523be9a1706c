"""The books: what was read as tables in DuckDB, with the sums that every check shares."""
