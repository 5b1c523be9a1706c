"""One audit, as a short pipeline: find, read, keep books, check, report."""

from __future__ import annotations

import logging
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from trueup.books.pseudonyms import read_key
from trueup.books.reading import read_logs
from trueup.config import Settings, parse_time
from trueup.errors import BadUse
from trueup.extras import make_ready
from trueup.sources.finding import find_logs
from trueup.sources.logfile import Found, LogFile

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from trueup.books.arrow import Tables
    from trueup.books.ledger import Books
    from trueup.checks.catalogue import BrokenCheck
    from trueup.reports.explanation import Explanation
    from trueup.reports.report import Report

log = logging.getLogger(__name__)


class Audit:
    """An audit of logs: the tables, the findings and the report.

    The tables of `trueup.schema`, `subscribers` and `findings_<check>` can be asked with `sql`.
    """

    def __init__(
        self, report: Report, resources: ExitStack, found: Found, settings: Settings
    ) -> None:
        self.report = report
        self._found = found
        self._settings = settings
        self._finalizer = weakref.finalize(self, resources.close)

    def sql(self, query: str, parameters: Sequence[Any] | None = None) -> pa.Table:
        """Return the rows of a query (DuckDB's SQL) as an Arrow table; `.to_pandas()` goes on."""
        return self.report.books.sql(query, parameters)

    def table(self, name: str) -> pa.Table:
        """Return a whole table as Arrow."""
        return self.report.books.table(name)

    def findings(self, check: str) -> pa.Table:
        """Return the findings of a check as Arrow, severest first."""
        known = [findings.check.id for findings in self.report.findings]
        if check not in known:
            raise BadUse(f"no such check: {check} (known: {', '.join(known)})")
        return self.sql(f"SELECT * EXCLUDE (place) FROM findings_{check} ORDER BY place")

    def explain(self, finding_id: str) -> Explanation:
        """Gather what proves a finding; the beginning of its id is enough, if no other begins so.

        The log's lines are read again from the files, which should still be there. Raises
        BadUse for an id that names no finding, or more than one.
        """
        from trueup.reports.explanation import explain_finding

        markers = tuple(self._settings.markers.items())
        return explain_finding(self.report, self._found.files, markers, finding_id)

    def write(self, folder: str | Path, formats: Sequence[str] | None = None) -> list[Path]:
        """Write the reports and return their paths. Raises BadUse if the folder cannot be used."""
        from trueup.reports.writing import write_reports

        return write_reports(self.report, Path(folder), formats, self._settings)

    def close(self) -> None:
        """Free the tables and what was spilled to disk; done by itself when the audit goes."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def audit(  # noqa: PLR0913  (the public front door: each option is a word of the field)
    paths: str | Path | Sequence[str | Path],
    *,
    settings: Settings | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    generated_at: datetime | None = None,
    on_found: Callable[[Found], None] | None = None,
    on_read: Callable[[int], None] | None = None,
) -> Audit:
    """Audit the logs under the paths (files or folders).

    `since` (inclusive) and `until` (exclusive), in UTC, bound what is shown; everything is read
    and checked. Reads in this process unless `settings.processes` says otherwise: more of them
    need the guard `if __name__ == "__main__"` in the calling script. Raises BadUse for a path that does not exist, a folder without logs, a bad date.
    """
    settings = settings or Settings(processes=1)
    if since is not None:
        settings = replace(settings, since=_time("since", since))
    if until is not None:
        settings = replace(settings, until=_time("until", until))
    if settings.since and settings.until and settings.since >= settings.until:
        raise BadUse("since: not before until, so that nothing would be shown")
    make_ready(settings)
    if settings.pseudonyms and settings.contacts:
        raise BadUse(
            "contacts: names and e-mails would undo the pseudonyms; ask for one of the two"
        )
    key = read_key(settings.pseudonyms) if settings.pseudonyms else None
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    found = find_logs(given, settings.limits, settings.endpoint_url)
    if on_found:
        on_found(found)
    with ExitStack() as stack:
        if found.spool:
            stack.callback(found.spool.close)
        books, found = _keep_books(found, settings, key, on_read or (lambda _: None), stack)
        report = _report(books, found, settings, generated_at)
        return Audit(report, stack.pop_all(), found, settings)


def _keep_books(
    found: Found,
    settings: Settings,
    key: bytes | None,
    on_read: Callable[[int], None],
    stack: ExitStack,
) -> tuple[Books, Found]:
    """Read the files and keep their books; a log under two names is read again, as one stream."""

    def read(
        files: Sequence[LogFile], on_read: Callable[[int], None], stack: ExitStack
    ) -> tuple[Tables, duckdb.DuckDBPyConnection]:
        started = time.perf_counter()
        prepare = partial(_load_engine, settings)

        def spill() -> Path:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trueup-")))

        tables = read_logs(files, settings, spill=spill, prepare=prepare, on_read=on_read)
        log.info("read %d files in %.2f s", len(files), time.perf_counter() - started)

        from trueup.books.ledger import connect

        connection = connect(tables, settings)
        stack.callback(connection.close)
        return tables, connection

    first = stack.enter_context(ExitStack())
    tables, connection = read(found.files, on_read, first)

    from trueup.books.copies import under_one_name
    from trueup.books.ledger import keep_books

    started = time.perf_counter()
    files = under_one_name(connection, tables, found.files)
    if files != found.files:
        log.info("some streams hold the same: they are read again as one")
        first.close()
        del tables, connection
        found = replace(found, files=files)
        tables, connection = read(files, lambda _: None, stack)
        started = time.perf_counter()
    books = keep_books(connection, tables, settings, key)
    _note_found(books, found)
    log.info("kept the books in %.2f s", time.perf_counter() - started)
    return books, found


def _report(
    books: Books, found: Found, settings: Settings, generated_at: datetime | None
) -> Report:
    from trueup.books.window import Window
    from trueup.checks import chosen_checks, run_checks
    from trueup.reports.report import build_report

    window = Window(settings.since, settings.until)
    checks, broken = chosen_checks(settings)
    _take_accepted(books, settings.checks_accepted, [check.id for check in checks])
    findings, failed = run_checks(books, checks, window, settings)
    _note_broken(books, [*broken, *failed])
    for one in findings:
        log.info("check %s took %.3f s", one.check.id, one.seconds)
    return build_report(
        books,
        findings,
        settings=settings,
        ignored=[books.hide(name) for name in found.ignored],
        unopened=[(books.hide(name), books.hide(problem)) for name, problem in found.problems],
        originals=[replace(one, name=books.hide(one.name)) for one in found.originals],
        generated_at=generated_at or datetime.now(UTC).replace(tzinfo=None),
    )


def _load_engine(settings: Settings) -> None:
    """Import what the rest of the audit needs, while another process reads."""
    import trueup.books.arrow
    import trueup.checks
    import trueup.reports.report
    import trueup.reports.writing

    trueup.reports.writing.writers(settings.formats, settings)


def _note_found(books: Books, found: Found) -> None:
    """Note what finding the files already showed: what is read once, what cannot be listed."""
    for name, kept in found.repeated:
        books.connection.execute(
            """
            INSERT INTO problems
            SELECT file_id, 0, 'the same bytes were found under another name; read once', ?
            FROM files WHERE name = ?
            """,
            [books.hide(name), books.hide(kept)],
        )
    for name, problem in found.problems:
        books.note(name, 0, problem)
    unread = books.connection.execute(
        """
        SELECT concat(f.name, ': ', min(p.problem)) FROM files AS f
        LEFT JOIN problems AS p ON p.file_id = f.file_id AND p.line = 0
        WHERE NOT EXISTS (SELECT 1 FROM files WHERE status <> 'rejected')
        GROUP BY f.name ORDER BY f.name LIMIT 1
        """
    ).fetchone()
    if unread:
        raise BadUse(f"nothing could be read: {unread[0]}")


def _take_accepted(books: Books, path: str | None, checks: Sequence[str]) -> None:
    """Make the table of accepted findings; a line that cannot be used is a problem."""
    from trueup.checks.accepted import accept_under_pseudonyms, read_accepted

    books.connection.execute(
        """
        CREATE TABLE accepted (
            finding_id VARCHAR, accepted_by VARCHAR, accepted_on VARCHAR, accepted_why VARCHAR
        )
        """
    )
    accepted, bad = read_accepted(path)
    if accepted:
        rows = [(row[0], *map(books.hide, row[1:])) for row in accepted]
        books.connection.executemany("INSERT INTO accepted VALUES (?, ?, ?, ?)", rows)
        accept_under_pseudonyms(books, checks)
    for line, problem in bad:
        books.note(path or "", line, problem)


def _note_broken(books: Books, broken: Sequence[BrokenCheck]) -> None:
    for check in broken:
        books.note(check.file, check.line, f"the check was not run: {check.problem}")


def _time(name: str, value: object) -> datetime:
    try:
        return parse_time(value)
    except ValueError as error:
        raise BadUse(f"{name}: {error}") from error
