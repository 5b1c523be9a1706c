"""An explanation for programs; `docs/report-json.md` explains its keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from trueup.reports.explanation import Explanation
from trueup.reports.json_report import finding_row, plain


def explanation_dict(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation ready for JSON: amounts and times as in report.json."""
    check, finding, money = explanation.check, explanation.finding, explanation.money
    expected, logged, at_risk = check.sums
    return {
        "check": {
            "id": check.id,
            "title": check.title,
            "question": check.question,
            "why": check.why,
            "do": check.do,
            "advice": check.advice_of(finding["cause"]) or None,
        },
        "sums": {
            "expected": expected,
            "logged": logged,
            "difference": "logged less expected",
            "amount_at_risk": at_risk,
        },
        "finding": finding_row(finding, money),
        "history": [plain(row, finding["currency"], money) for row in explanation.history],
        "neighbours": [plain(row, row["currency"], money) for row in explanation.neighbours],
        "occurrences": [plain(row, None, money) for row in explanation.occurrences],
        "evidence": [asdict(excerpt) for excerpt in explanation.evidence],
    }
