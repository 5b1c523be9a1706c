"""Where a finding and what it is compared with stand in the logs."""

from __future__ import annotations

from trueup.reports.log_text import Place
from trueup.reports.report import Report, Section
from trueup.reports.surroundings import rows_of

_OF_THE_WALLET = {"duplicate_posting", "wallet_mismatch"}

# Own columns that name another attempt, whose lines are a part of the proof.
_COMPARED = {
    "previous_attempt_id": "The transaction before it",
    "first_attempt_id": "The transaction that it is compared with",
}


def places(report: Report, finding: Section) -> list[Place]:
    """Return the places to show: the finding's own, and those of what it is compared with."""
    compared = [(title, finding.get(column)) for column, title in _COMPARED.items()]
    if finding["check"] == "out_of_sync":
        compared.append(("The last transaction that tells both balances", _last(report, finding)))
    place = _place(report, _title(finding), finding)
    found = [place] if place else []
    for title, attempt_id in compared:
        if attempt_id and attempt_id != finding["attempt_id"]:
            found += _places_of(report, title, attempt_id)
    wallet_matters = finding["check"] in _OF_THE_WALLET
    return [place._replace(wallet_matters=wallet_matters) for place in found]


def _title(finding: Section) -> str:
    if finding["subscriber_id"] is None and finding["attempt_id"] is None:
        return "The first of them"
    if finding.get("message_id"):
        return f"Message {finding['message_id']}"
    return (
        f"Transaction {finding['transaction_id']}" if finding["transaction_id"] else "The message"
    )


def _last(report: Report, finding: Section) -> str | None:
    """Return the attempt whose balances the sums of an open gap are."""
    rows = rows_of(
        report,
        f"""
        SELECT t.attempt_id FROM transactions AS t
        WHERE t.subscriber_id = ? AND t.currency = ? AND t.gap IS NOT NULL
            AND {report.window.is_before_end('t."at"')}
        ORDER BY t.position DESC LIMIT 1
        """,
        [finding["subscriber_id"], finding["currency"]],
    )
    return rows[0]["attempt_id"] if rows else None


def _places_of(report: Report, title: str, attempt_id: str) -> list[Place]:
    """Return where an attempt's transaction stands, if it was logged."""
    rows = rows_of(
        report,
        """
        SELECT t.attempt_id, f.name AS file, t.first_line, t.last_line, t.request_id
        FROM transactions AS t INNER JOIN files AS f ON f.file_id = t.file_id
        WHERE t.attempt_id = ?
        """,
        [attempt_id],
    )
    found = (_place(report, title, row) for row in rows)
    return [place for place in found if place]


def _place(report: Report, title: str, row: Section) -> Place | None:
    """Return where a row stands, with the lines of its message and of its sync error."""
    rows = rows_of(
        report,
        """
        WITH attempt AS (
            SELECT t.file_id FROM transactions AS t WHERE t.attempt_id = $1
            UNION ALL
            SELECT m.file_id FROM messages AS m WHERE m.attempt_id = $1
        ),
        -- Two folders with the same name can hold files with the same name.
        own AS (
            SELECT f.file_id FROM files AS f WHERE f.name = $2
            ORDER BY f.file_id IN (SELECT a.file_id FROM attempt AS a) DESC, f.file_id LIMIT 1
        )
        SELECT o.file_id, m.first_line, m.last_line, min(e.line) AS sync_error_line
        FROM own AS o
        LEFT JOIN messages AS m ON m.file_id = o.file_id AND m.attempt_id = $1
        LEFT JOIN sync_errors AS e ON e.file_id = o.file_id AND e.attempt_id = $1
        GROUP BY ALL
        """,
        [row["attempt_id"], row["file"]],
    )
    if not rows:
        return None
    lines = (row["first_line"], row["last_line"])
    message = (rows[0]["first_line"], rows[0]["last_line"])
    return Place(
        title, rows[0]["file_id"], row["file"], *lines, row["request_id"],
        # A transaction may be logged without a message of its own.
        None if row["attempt_id"] is None else lines if message[0] is None else message,
        rows[0]["sync_error_line"],
    )  # fmt: skip
