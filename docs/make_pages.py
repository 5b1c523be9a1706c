"""Make the pages that say what the code knows: kinds of entry, checks, tables, settings.

python docs/make_pages.py            write them
python docs/make_pages.py --check    fail if one is not as the code would make it
"""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

from trueup.checks import built_in_checks
from trueup.config import Settings, key
from trueup.injecting import FAULTS as INJECTED
from trueup.logs.kinds import KINDS, OTHER, UNREADABLE
from trueup.reports.columns import LOOKS
from trueup.reports.listing import toml_value
from trueup.reports.subscribers import COLUMNS
from trueup.sample import FAULTS
from trueup.schema import DERIVED, TABLES

FOLDER = Path(__file__).parent
MADE = "<!-- Made by docs/make_pages.py: change the code, not this page. -->\n\n"


def table(*rows: tuple[str, ...]) -> str:
    """Return rows as a Markdown table; the first is its header."""
    header, *rest = rows
    lines = [header, tuple("---" for _ in header), *rest]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in lines)


def kinds_page() -> str:
    """Return the page of the kinds of entry."""
    rows = [
        (f"`{kind.name}`", "the service" if kind.writer == "app" else "AWS Lambda", kind.meaning)
        for kind in KINDS
    ]
    return (
        "# Kinds of entry\n\n"
        + MADE
        + "Every entry of every file counts under exactly one kind, so that *understood + other + "
        "unreadable = entries*; `entry_kinds.csv` and the workbook's sheet Log contents list them.\n\n"
        + table(("kind", "written by", "meaning"), *rows)
        + f"\n`{OTHER}: ...` is an entry that nobody has described yet, named by the plain words it "
        "begins with (at most three; digits, quotes and what follows them are left out). It carries "
        f"no figures. The report lists the 200 most frequent of them.\n\n`{UNREADABLE}` is an entry "
        "whose kind is known but whose content makes no sense: cut off, damaged, or of an impossible "
        "time. Each has a row among the problems.\n\n"
        "## Lambda's JSON log format\n\n"
        "An entry that is an object of this format counts as what the same entry is in the classic one: "
        "`platform.start` as `start`, `platform.runtimeDone` as `end`, `platform.report` as `report`, "
        "`platform.initStart` as `init_start`, `platform.initReport` as `init_report`, and what the service "
        "says by its `message`. Lambda's other events are counted by their type, as `other: platform.extension`. "
        "`platform.runtimeDone` is logged only where the level of system logs is DEBUG, or something went "
        "wrong; without it, the report ends the invocation. A report whose status is `error` or `timeout` is "
        "that of a crashed invocation; `failure` is an error that the function returned.\n"
    )


def checks_page() -> str:
    """Return the page of the checks."""
    page = (
        "# Checks\n\n"
        + MADE
        + "Every check is one SQL statement in `src/trueup/checks/`. Each finding "
        "states what was `expected`, what the log says (`logged`), the `difference` (logged less "
        "expected) and the `amount_at_risk`: money that somebody has to look for now. Amounts at "
        "risk are never added up across checks or currencies. Two balances agree when they differ by "
        "no more than the smallest unit of their currency.\n\n"
    )
    rows = [
        (
            f"[`{check.id}`](#{check.id})",
            ", ".join(f"{cause} {name}".strip() for cause, name in check.severities.items()),
            *check.sums,
        )
        for check in built_in_checks()
    ]
    page += table(("check", "severity", "expected", "logged", "at risk"), *rows)
    page += (
        "\n*none* means that the finding has no such sum. What is recommended, and to whom, stands with "
        "each check; [your own checks](own-checks.md) can do the same.\n"
    )
    for check in built_in_checks():
        page += f"\n## {check.id}\n\n**{check.title}.** {check.question}\n\n"
        page += f"*Why it matters.* {check.why}\n\n*What to do.* {check.do}\n\n"
        if check.advices:
            page += "*What is recommended:*\n\n"
            for cause, advice in check.advices.items():
                page += f"- {f'`{cause}`: ' if cause else ''}{advice}\n"
            page += "\n"
        page += "*How a finding reads:* (a part in brackets only where what it names is known)\n\n"
        for cause, sentence in check.explanations.items():
            page += f"- {f'`{cause}`: ' if cause else ''}{sentence}\n"
    return page


def tables_page() -> str:
    """Return the page of the tables."""
    page = (
        "# Tables\n\n"
        + MADE
        + "What `audit.sql(...)` can ask and `audit.table(...)` returns; the format `parquet` "
        "writes each to `tables/`, of the window that is shown, without `contacts` and `metadata` unless `--contacts` asks for them. Times are "
        "UTC. Types: *money* is DECIMAL(18,6); *difference* has room for differences of money; "
        "*file* is the file's id, the sha256 of its bytes. `at` is a keyword to DuckDB: write `t.at` "
        '(or `"at"`).\n\nBeside these there are `subscribers` ([as in the '
        "report](report-json.md#subscribers)), `findings_<check>` for each [check](checks.md), and:\n\n"
        "- `currencies`: currency, minor_unit, low_balance, unusual_floor: what is said of each;\n"
        "- `limits`: one row with the [settings](settings.md) that checks ask for;\n"
        "- `gap_moves`: every step of every gap: subscriber_id, currency, position, at, cause (opened, "
        "moved, closed, or drift: within a minor unit), episode (the subscriber's gaps, counted), "
        "gap_before, is_first (no transaction before it tells both balances), gap, move, and the "
        "transaction that made it;\n"
        "- `unusual_changes`: attempt_id, usual, allowed, score, basis, by the method of the settings;\n"
        "- `accepted`: finding_id, accepted_by, accepted_on, accepted_why.\n"
    )
    for name, columns in TABLES.items():
        shown = (*columns, *DERIVED) if name == "transactions" else columns
        rows = [
            (f"`{c.name}`", "text" if c.type in {"attempt", "stream"} else c.type, c.help)
            for c in shown
        ]
        page += f"\n## {name}\n\n" + table(("column", "type", "what it holds"), *rows)
    return page


def settings_page() -> str:
    """Return the page of the settings."""
    rows = [
        (
            f"`{key(setting)}`",
            "" if value is None else f"`{toml_value(value)}`",
            f"`{setting.metadata['env']}`" if setting.metadata["env"] else "",
            setting.metadata["help"],
        )
        for setting in fields(Settings)
        for value in [getattr(Settings(), setting.name)]
    ]
    return (
        "# Settings\n\n" + MADE + "Settings come from a TOML file (`--config`, else `trueup.toml` "
        "of the folder that the command is started in), the environment and the command line; a "
        "later one of these wins. An unknown setting stops the run and names the nearest known one. "
        "`trueup config` shows each setting, its value and where it comes from. Paths of checks "
        "start from the file's folder.\n\n"
        + table(("setting", "default", "environment", "what it does"), *rows)
        + '\n```toml\nout_dir = "reports"\nformats = ["xlsx", "json"]\nsince = 2024-01-01\n'
        '\n[markers]\n"Balance was set by" = "applied"\n'
        '\n[checks]\npath = "our-checks"\naccepted = "accepted.csv"\noff = ["false_alarm"]\n'
        'severity = { missed_alarm = "low", overdraft.refused = "medium" }\n'
        "low_balance = { BHD = 5, KWD = 5, others = 50 }\n```\n"
    )


def faults_page() -> str:
    """Return the page of the faults."""
    rows = [
        (
            f"`{fault.name}`",
            fault.what,
            fault.share_of,
            f"{fault.rate:g}"
            if fault.rate_before_types is None
            else f"{fault.rate:g} ({fault.rate_before_types:g} before 2024)",
            "yes" if fault.name in INJECTED else "",
        )
        for fault in FAULTS
    ]
    return (
        "# Faults\n\n"
        + MADE
        + "What can go wrong in a sample, to see how well it is found. A plan says how "
        "often each happens:\n\n"
        "```toml\nseed = 7\n\n[rates]\nlost_update = 0.01\nunusual_change = 0.02\n\n"
        "[unusual_change]\nfactor = [5, 20]\n```\n\n"
        "`trueup sample logs/ --faults plan.toml` simulates a service with these faults; faults that the "
        "plan does not name keep their usual rates, and `labels.json` lists everything that a correct "
        "audit must find, side effects and all. `trueup sample copy/ --faults plan.toml --into logs/` puts "
        "the faults of the plan, and no others, into a copy of given logs; there `labels.json` lists what "
        "the copy has more to be found than the original. Whatever is edited keeps the layout that the "
        "service prints, and all that depends on it is carried along. The same plan gives the same bytes.\n\n"
        "`unusual_change` makes a change 5 to 20 times as large as is usual for the subscriber's other "
        "changes by the same action, or as its `factor` says. [How well faults are found](accuracy.md).\n\n"
        + table(
            ("fault", "what happens", "rate: share of", "usual rate", "can be put into given logs"),
            *rows,
        )
    )


def report_page() -> str:
    """Return the page of report.json, with the table of a subscriber's keys made anew."""
    page = (FOLDER / "report-json.md").read_text(encoding="utf-8")
    before, start, rest = page.partition(
        "<!-- Made by docs/make_pages.py from trueup.reports.subscribers: -->\n"
    )
    _, end, after = rest.partition("<!-- Until here. -->\n")
    rows = [(f"`{column.name}`", column.help) for column in COLUMNS]
    return before + start + table(("key", "what it is"), *rows) + end + after


def columns_page() -> str:
    """Return the page of the workbook's columns."""
    rows = [
        (of.title, of.meaning, of.field, of.formula, of.unit or "text", f"`{name}`")
        for name, of in sorted(LOOKS.items(), key=lambda row: row[1].title.casefold())
    ]
    return (
        "# Columns\n\n"
        + MADE
        + "What the columns of the reports mean: the workbook's sheet Glossary prints the same. A column "
        "whose title ends with a currency holds such an amount in that currency alone.\n\n"
        + table(("column", "meaning", "in the log", "how it is worked out", "unit", "name"), *rows)
    )


PAGES = {
    "report-json.md": report_page,
    "columns.md": columns_page,
    "kinds.md": kinds_page,
    "checks.md": checks_page,
    "tables.md": tables_page,
    "settings.md": settings_page,
    "faults.md": faults_page,
}


def main() -> None:
    """Write the pages, or say which are not as the code would make them."""
    stale = [name for name, make in PAGES.items() if not _is_made(FOLDER / name, make())]
    if "--check" not in sys.argv:
        for name in stale:
            (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
    elif stale:
        sys.exit(f"not as the code makes them: {', '.join(stale)} (run python docs/make_pages.py)")


def _is_made(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    main()
