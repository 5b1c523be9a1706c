"""Every output of a small audit, held against the files in `golden/`.

`python -m pytest tests/test_golden.py --golden` writes those files anew; then read their diff.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import trueup
from trueup.config import FORMATS, Settings
from trueup.reports.terminal import summary_text

GOLDEN = Path(__file__).parent / "golden"
MOST_LINES = 80
"""Lines of a diff that are shown."""

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
NAME = "2024-02-01-[$LATEST]0123456789abcdef0123456789abcdef/000000.log"
Make = Callable[..., str]

LEDGER = """
    10:00:00 T01 ana BHD CREDIT 110 10 0 100 100 applied wallet=wallet#ana delivery=D1 entry=E1 action=TOPUP
    10:00:01 T02 ana BHD DEBIT 2.5 0 100 97.5 97.5 applied action=MEAL
    10:00:02 T03 ana BHD DEBIT 2.5 0 97.5 95 95 applied action=MEAL
    10:00:03 T04 ana BHD DEBIT 2.5 0 95 92.5 92.5 applied action=MEAL
    10:00:04 T05 ana BHD DEBIT 60 0 92.5 32.5 32.5 applied action=MEAL
    10:00:05 T06 ana BHD CREDIT 5 0 32.5 37.5 37.5 applied wallet=wallet#bob entry=E1 action=TOPUP
    10:00:06 T30 ana BHD DEBIT 2.5 0 37.5 35 35 applied action=MEAL
    10:00:07 T07 ana SAR CREDIT 5 0 0 5 5 applied
    10:01:00 T08 bob BHD DEBIT 1.0005 0 20 18.9995 17.25 applied error 18.9995 17.25
    10:01:01 T09 bob BHD DEBIT 1 0 18.9995 17.9995 12 applied
    10:01:02 T10 bob BHD DEBIT 20 0 17.9995 -2.0005 -8.0005 blocked
    10:01:03 T11 bob BHD DEBIT 1 0 40 39 - applied
    10:02:00 T12 cid SAR DEBIT 90.25 0 50 -40.25 -40.25 applied action=MEAL
    10:02:01 T13 cid SAR CREDIT 11 1 -40.25 -29.25 -29.25 applied
    10:02:02 T14 cid SAR DEBIT 1 0 -29.25 -30.25 -30.25 failed message=M
    10:02:32 T14 cid SAR DEBIT 1 0 -29.25 -30.25 -30.25 applied message=M
    10:03:00 T15 dan SAR DEBIT 5 0 100 105 105 applied error 105 105
    10:03:01 T16 dan SAR - 8 0 105 97 - already_synced
    10:03:02 T17 dan SAR DEBIT 7 0 97 90 90 failed
    10:03:03 T18 dan SAR DEBIT 7 0 97 90 90 skipped
    10:00:00 T20 eve SAR DEBIT 1 0 90 89 89 applied day=2024-02-02
    10:00:00 T21 eve SAR DEBIT 1 0 89 88 88 applied error 88 88 day=2024-02-03
    10:00:00 T22 eve SAR DEBIT 1 0 88 87 87 applied day=2024-02-04
    10:00:00 T23 eve SAR DEBIT 1 0 87 86 90 applied error 86 90 day=2024-02-05
    10:00:01 T24 eve SAR DEBIT 1 0 86 85 90 applied error 85 90 day=2024-02-05
    10:00:02 T25 eve SAR DEBIT 1 0 85 84 90 applied error 84 90 day=2024-02-05
    10:00:03 T26 eve SAR DEBIT 1 0 84 83 90 applied error 83 90 day=2024-02-05
    10:00:04 T27 eve SAR DEBIT 1 0 83 82 90 applied error 82 90 day=2024-02-05
    10:00:05 T28 eve SAR DEBIT 1 0 82 81 90 applied error 81 90 day=2024-02-05
    10:00:00 T29 eve SAR DEBIT 1 0 81 80 80 applied day=2024-02-06
    10:00:00 T31 eve SAR DEBIT 1 0 80 79 79 applied day=2024-02-08
"""

AT = "2024-02-07T10:00:00.000Z"
MORE = f"""\
{AT} INIT_START Runtime Version: nodejs:20.v30
{AT} START RequestId: r1 Version: $LATEST
{AT} {AT}\tr1\tINFO\tAcquired lock of wallet 7
{AT} {AT}\tundefined\tERROR\tUncaught Exception {{"errorMessage":"no module 'x'"}}
{AT} Unknown application error occurred
{AT} END RequestId: r1
{AT} {AT}\tr2\tINFO\tStart syncing the balance nothing
{AT} {AT}\tr2\tINFO\ttransaction {{"id":"T01","userId":"ana","name":"Ana","email":"ana@example.com"}}
"""
# The mismatch of T13.
ACCEPTED = "finding_id,who,when,why\neb5dfa001171d8be,Ana,2024-04-30,a known case\n"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory, ledger: Make) -> dict[str, str]:
    """Every output as text that is the same on every machine and for every release."""
    folder = tmp_path_factory.mktemp("golden")
    log = folder / "logs" / NAME
    log.parent.mkdir(parents=True)
    log.write_text(ledger(LEDGER) + MORE, newline="\n")
    (folder / "logs" / "notes.md").write_text("no log")
    (folder / "logs" / "empty.log").write_text("no log either\n")
    accepted = folder / "accepted.csv"
    accepted.write_text(ACCEPTED)
    settings = Settings(processes=1, checks_accepted=str(accepted))
    with trueup.audit(folder / "logs", settings=settings, generated_at=STAMP) as audit:
        written = audit.write(folder / "out", FORMATS)
        relative = [Path("report", path.relative_to(folder / "out")) for path in written]
        terminal = summary_text(audit.report, relative)
        texts = {"summary.txt": f"{terminal}\n"}
    for path in written:
        if path.suffix in READERS:
            ending, read = READERS[path.suffix]
            texts[f"{path.name}{ending}"] = read(path)
    scrub = ((trueup.__version__, "VERSION"), (f"{folder}/", ""))
    return {
        name: functools.reduce(lambda text, pair: text.replace(*pair), scrub, text)
        for name, text in texts.items()
    }


def json_text(path: Path) -> str:
    """Return a value a line, for a diff that can be read; without hashes and sizes of outputs."""
    loaded = json.loads(path.read_text(encoding="utf-8"))
    if path.name == "manifest.json":
        for one in loaded["outputs"]:
            del one["sha256"], one["size"]
    return json.dumps(loaded, ensure_ascii=False, indent=1) + "\n"


class PageText(HTMLParser):
    """The text of a page: a row of a table, or a paragraph, on a line; what is code is left out."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = [""]
        self._is_code = self._is_row = False
        self.feed(page)

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self._is_code = tag in {"script", "style"}
        self._is_row |= tag == "tr"
        if tag in {"td", "th", "dd"}:
            self.lines[-1] += " | "
        elif tag in {"a", "b", "bdi", "code", "option", "span"}:
            self.lines[-1] += " "
        elif tag != "p" or not self._is_row:
            self.lines.append("#" * int(tag[1]) + " " if tag[0] == "h" and tag[1].isdigit() else "")

    def handle_endtag(self, tag: str) -> None:
        self._is_code = False
        if tag == "tr":
            self._is_row = False
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if not self._is_code:
            self.lines[-1] += data


def html_text(path: Path) -> str:
    lines = PageText(path.read_text(encoding="utf-8")).lines
    return "".join(f"{' '.join(line.split())}\n" for line in lines if line.strip())


def workbook_text(path: Path) -> str:
    """Return the cells of every sheet, a row on a line, amounts with the format they are shown in."""
    lines: list[str] = []
    for sheet in openpyxl.load_workbook(path):
        lines.append(f"=== {sheet.title}")
        for row in sheet.iter_rows():
            cells = [
                f"{cell.column_letter} {cell_text(cell)}"
                for cell in row
                if cell.value not in {None, ""}
            ]
            if cells:
                lines.append(f"{row[0].row}: " + " | ".join(cells))
    return "\n".join([*lines, ""])


def cell_text(cell: Any) -> str:
    text = str(cell.value).replace("\n", "\\n")
    if isinstance(cell.value, float | int) and cell.number_format != "#,##0":
        text += f" [{cell.number_format.split(';')[0]}]"
    return f"{text} -> {cell.hyperlink.location}" if cell.hyperlink else text


READERS: dict[str, tuple[str, Callable[[Path], str]]] = {
    ".json": ("", json_text),
    ".csv": ("", lambda path: path.read_text(encoding="utf-8")),
    ".html": (".txt", html_text),
    ".xlsx": (".txt", workbook_text),
}
"""By ending of an output: what its golden file's name ends in besides, and what reads its text."""

NAMES = (
    "summary.txt", "report.json", "report.html.txt", "report.xlsx.txt", "manifest.json",
    "transactions.csv", "findings.csv", "subscribers.csv", "entry_kinds.csv",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_output_is_as_it_was(
    name: str, outputs: dict[str, str], request: pytest.FixtureRequest
) -> None:
    golden = GOLDEN / name
    if request.config.getoption("--golden"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_bytes(outputs[name].encode())
    if not golden.exists():
        pytest.fail(f"there is no {golden}: write it with --golden", pytrace=False)
    was = golden.read_bytes().decode()
    if outputs[name] != was:
        pytest.fail(difference(name, was, outputs[name]), pytrace=False)


def test_every_output_has_its_golden_file(outputs: dict[str, str]) -> None:
    assert set(outputs) == set(NAMES) == {path.name for path in GOLDEN.iterdir()}


def difference(name: str, was: str, now: str) -> str:
    """Return what is different, in as many lines as can be read."""
    diff = difflib.unified_diff(
        was.splitlines(), now.splitlines(), f"golden/{name}", "now", n=1, lineterm=""
    )
    lines = list(diff)
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"... and {len(lines) - MOST_LINES:,} lines more"]
    return "\n".join([*lines, "If this is meant: python -m pytest tests/test_golden.py --golden"])


def test_the_sample_has_a_finding_of_every_check(outputs: dict[str, str]) -> None:
    report = json.loads(outputs["report.json"])
    assert {check["id"] for check in report["checks"] if not check["findings"]} == set()
    assert [check["id"] for check in report["checks"] if check["accepted"]] == ["mismatch"]
    assert set(report["currencies"]) == {"BHD", "SAR"}
