"""Hostile text in every free field of the logs: every report stays whole, and nothing of it runs."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

import trueup
from trueup.cli import _show_json
from trueup.config import FORMATS, Settings
from trueup.reports.csv_report import MOST_CHARACTERS
from trueup.reports.terminal import summary_text

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
Line = Callable[..., str]

RUN = "document.title='stolen';document.body.append(document.createElement('stolen'))"
HOSTILE = {
    "link": '=HYPERLINK("http://evil.example/","here")',
    "command": "=cmd|' /C calc'!A0",
    "plus": "+1",
    "minus": "-1",
    "at": "@SUM(A1:A9)",
    "space": " =1+1",
    "wide": "\uff1d1+1",
    "tab": "\t=1+1\ta",
    "newline": "\n=1+1\nb",
    "return": "\r=1+1\rc",
    "script": f"<script>{RUN}</script>",
    "end of script": f"</script></style></title><script>{RUN}</script>",
    "image": f'<img src=x onerror="{RUN}">',
    "attribute": f'" onmouseover="{RUN}" autofocus onfocus="{RUN}',
    "address": f"javascript:{RUN}",
    "template": "{{ 7 * 7 }}{% raw %}${7*7}%(x)s{subscriber_id}[cut]",
    "long": "x" * 40_000,
    "long emoji": "\N{PILE OF POO}" * 20_000,
    "control": "a\0b\x07c\x1b[31;1md\x1b]0;title\x07e\x7ff\x9b5mg\x85h",
    "right to left": "\u202etxt.exe\u202c\u200f\u05d0\u2066x",
    "emoji": "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}\ufe0f\ufeff",
    "surrogate": "a\ud800b\udfffc",
    "separators": "a\u2028b\u2029c\x0bd\x0ce",
    "quotes": "'\"`\u2018\u201c\u00ab,;|",
    "excel": "_x0041__x000D__x005F_",
    "digits": "9" * 300,
    "xml": "]]><r><t>x</r>&amp;&#65;<!--",
    "noncharacter": "a\ufffeb\uffffc",
    "sql": "'; DROP TABLE transactions; --",
    "backslash": "a\\b\\n\\u0041",
    "math": "$\\frac{1}{$ \\$ ^_{",
    "path": "../../etc/passwd",
    "null": "undefined",
}  # fmt: skip


def kept(text: str) -> str:
    """Return the text as the books hold it: half a surrogate pair is no text."""
    return text.encode("utf-8", "replace").decode()


def shown(text: str) -> str:
    """Return the text as a spreadsheet holds it: without control characters, cut at its length."""
    text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", "\ufffd", kept(text))
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} [cut]"


def literal(text: str) -> str:
    """Return the text as Node prints it in an object, but with control characters as they are."""
    for character in "\\'":
        text = text.replace(character, f"\\{character}")
    for character, name in {"\n": "n", "\r": "r"}.items():
        text = text.replace(character, f"\\{name}")
    return "'" + re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text) + "'"


def one_line(text: str, *, without: str = "\n\r") -> str:
    """Return what of the text can stand where nothing is quoted."""
    return kept(re.sub(f"[{without}]", "", text)) or "x"


def log_of(text: str, day: int, app_line: Line) -> str:
    """Make a log whose every free field is the text."""
    date = f"2024-{day // 28 + 1:02}-{day % 28 + 1:02}"
    at = f"{date}T10:00:00.000Z"
    request = one_line(text, without="\\s\\x1c-\\x1f\\x85")
    said = one_line(text)
    quoted = literal(text)
    metadata = {"walletId": text, "walletSk": text, "deliveryId": text, "note": text}

    def entry(words: str, level: str = "INFO") -> str:
        return app_line(at, request, words, level)

    def transaction(currency: str, kind: str, amount: str) -> str:
        return entry(
            f"Start syncing the balance {{\n  transaction: {{\n    id: {quoted},\n    type: {kind},\n"
            f"    source: {quoted},\n    action: {quoted},\n    userId: {quoted},\n"
            f"    paymentBalance: -45,\n    metadata: {literal(json.dumps(metadata))},\n"
            f"    currency: {currency},\n    amount: {amount},\n    vat: 0,\n    oldBalance: 50,\n"
            "    newBalance: -40\n  }\n}"
        )

    def message() -> str:
        return entry(f"Processing message {request}")

    details = {"id": text, "userId": text, "brand": text, "kitchen": text, "invoiceId": text,
               "paymentMethod": text, "paymentProvider": text, "createdAt": text, "name": text,
               "email": text, "phoneNumber": text, "notes": text, "actor": text}  # fmt: skip
    error = json.dumps({"errorMessage": text})
    return "".join([
        f"{at} INIT_START Runtime Version: {request}\n\n",
        f"{at} START RequestId: {request} Version: $LATEST\n\n",
        message(),
        transaction("'SAR'", "'DEBIT'", "90"),
        entry("SubscriptionBalanceUpdated event published"),
        entry(
            "Subscription balance and payment balance are not in sync {\n"
            f"  userId: {quoted},\n  subscriptionBalance: -40,\n  paymentBalance: -45\n}}", "ERROR",
        ),
        message(),
        transaction(quoted, "'DEBIT'", "90"),
        entry(f"An error occured while syncing the balance {said}", "ERROR"),
        message(),
        transaction("'SAR'", quoted, "9" * 300),
        entry(f"Skipping the sync for {said}"),
        message(),
        entry(
            "{\n  message: 'Subscriber will have a negative balance due to this action',\n"
            f"  data: {{\n    userId: {quoted},\n    currentBalance: 7,\n"
            f"    transactionId: {quoted}\n  }}\n}}"
        ),
        entry(f"transaction {json.dumps(details)}"),
        entry(said),
        f"{at} {json.dumps({'_aws': {}, text: 1, 'userId': text, 'action': text}, separators=(',', ':'))}\n\n",
        entry(f"Uncaught Exception {error}", "ERROR"),
        f"{at} Unknown application error occurred\n{said}\n\n",
        f"{at} END RequestId: {request}\n\n",
        f"{at} REPORT RequestId: {request}\tDuration: {'9' * 300} ms\tBilled Duration: 1 ms\t\n\n",
        f"{at} {said}\n\n",
    ])  # fmt: skip


def file_name(text: str) -> str:
    """Return the text as a name that a file system takes; one that is no UTF-8, for surrogates."""
    return re.sub("[\ud800-\udfff]", "\udcff", re.sub("[/\0]", "", text))[:40] or "x"


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, app_line: Line
) -> Iterator[tuple[Path, trueup.Audit]]:
    """Reports of logs in which every text is hostile, some findings accepted."""
    folder = tmp_path_factory.mktemp("hostile")
    for day, text in enumerate(HOSTILE.values()):
        name = file_name(text)
        path = folder / "logs" / name / f"{name}.log"
        path.parent.mkdir(parents=True)
        path.write_bytes(log_of(text, day, app_line).encode())
        (path.parent / f"{name}.gz").write_bytes(b"\x1f\x8bno gzip")
        (path.parent / f"{name}.md").write_bytes(b"no log")
    accepted = folder / "accepted.csv"
    settings = Settings(processes=1, contacts=True, checks_accepted=str(accepted))
    accepted.write_text("finding_id,who,when,why\n")
    with trueup.audit(folder / "logs", settings=settings) as audit:
        ids = [row["finding_id"] for row in audit.findings("payment_overdraft").to_pylist()]
    with accepted.open("w", encoding="utf-8", newline="") as file:
        rows = [[finding, *[f"x{kept(text)}"] * 3]
                for finding, text in zip(ids, HOSTILE.values(), strict=False)]  # fmt: skip
        csv.writer(file).writerows([["finding_id", "who", "when", "why"], *rows])
    with trueup.audit(folder / "logs", settings=settings, generated_at=STAMP) as audit:
        assert sum(check["accepted"] for check in audit.report.checks) == len(rows)
        audit.write(folder / "out", FORMATS)
        yield folder / "out", audit


def test_tables_hold_the_text_as_it_was_logged(made: tuple[Path, trueup.Audit]) -> None:
    texts = {kept(text) for text in HOSTILE.values()}
    for table, names in {
        "transactions": ("transaction_id", "subscriber_id", "source", "action", "wallet_id",
                         "wallet_entry", "delivery_id"),
        "messages": ("subscriber_id",),
        "sync_errors": ("subscriber_id",),
        "metrics": ("name", "subscriber_id", "action"),
        "transaction_details": ("transaction_id", "brand", "kitchen", "invoice_id"),
        "contacts": ("subscriber_id", "name", "email", "phone", "notes", "actor"),
        "subscribers": ("subscriber_id", "name", "email", "phone"),
    }.items():  # fmt: skip
        rows = pq.read_table(made[0] / "tables" / f"{table}.parquet").to_pylist()
        for name in names:
            assert {row[name] for row in rows} - {None} == texts, (table, name)
    rows = pq.read_table(made[0] / "tables" / "transactions.parquet").to_pylist()
    assert len(rows) == 3 * len(HOSTILE)
    assert {row["currency"] for row in rows} == texts | {"SAR"}


def test_json_holds_the_text_as_it_was_logged(made: tuple[Path, trueup.Audit]) -> None:
    loaded = json.loads((made[0] / "report.json").read_text(encoding="utf-8"))
    texts = {kept(text) for text in HOSTILE.values()}
    assert {one["subscriber_id"] for one in loaded["subscribers"]} == texts
    assert set(loaded["currencies"]) == texts | {"SAR"}
    assert json.loads((made[0] / "manifest.json").read_text(encoding="utf-8"))["inputs"]


def is_run(cell: str) -> bool:
    """Tell whether a spreadsheet could take a cell for a formula; numbers are none."""
    return bool(re.match(r"[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]", cell)) and not (
        re.fullmatch(r"-\d+(\.\d+)?", cell)
    )


def test_no_cell_of_a_csv_file_is_run(made: tuple[Path, trueup.Audit]) -> None:
    texts = {shown(text) for text in HOSTILE.values()}
    for path in made[0].glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
        assert {len(row) for row in rows} == {len(header)}, path.name
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if is_run(cell)], path.name
        assert not [cell for cell in cells if shown(cell) != cell], path.name
        if "subscriber_id" in header:
            place = header.index("subscriber_id")
            found = {row[place].removeprefix("'") for row in rows} - {""}
            assert found == {text.removeprefix("'") for text in texts}, path.name


def test_nothing_in_the_workbook_is_run(made: tuple[Path, trueup.Audit]) -> None:
    with zipfile.ZipFile(made[0] / "report.xlsx") as packed:
        for name in packed.namelist():
            root = ET.fromstring(packed.read(name))  # noqa: S314  (our own file)
            assert "externalLink" not in name
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert not {"f", "r", "ddeLink", "oleLink"} & tags or "chart" in name, name
            if name.endswith(".rels"):
                assert "External" not in {one.get("TargetMode") for one in root}, name
            for element in root.iter("{http://schemas.openxmlformats.org/drawingml/2006/main}t"):
                assert len(element.text or "") <= 255, name
            if "chart" in name:
                formulas = root.iter("{http://schemas.openxmlformats.org/drawingml/2006/chart}f")
                own = r"('By day'|'Money by day'|Charts)!\$[A-Z]+\$\d+(:\$[A-Z]+\$\d+)?"
                assert all(re.fullmatch(own, one.text or "") for one in formulas), name


def test_the_workbook_opens_and_shows_the_text(made: tuple[Path, trueup.Audit]) -> None:
    book = openpyxl.load_workbook(made[0] / "report.xlsx")
    links = []
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type not in {"f", "e"}, cell.coordinate
                if isinstance(cell.value, str):
                    # Written escaped, as Excel's format asks; openpyxl shows the escape.
                    units = len(re.sub("_x005F_", "_", cell.value).encode("utf-16-le")) // 2
                    assert units <= 32_767, (sheet.title, cell.coordinate)
                links += [cell.hyperlink] * bool(cell.hyperlink)
    assert links
    assert not [link for link in links if link.target]
    column = {cell.value: cell.column_letter for cell in book["Transactions"][1]}["Source"]
    sources = {
        cell.value.replace("_x005F_", "_").replace("_x000D_", "\r")
        for cell in book["Transactions"][column][1:]
    }
    for text in map(shown, HOSTILE.values()):
        if len(text) < 1_000 and "_x" not in text:
            assert text in sources


def test_pictures_are_whole(made: tuple[Path, trueup.Audit]) -> None:
    paths = list((made[0] / "charts").iterdir())
    assert len(paths) > 50
    for path in paths:
        assert re.fullmatch(r"[A-Za-z0-9-]+\.png", path.name)
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        place, kinds = 8, []
        while place < len(data):
            size, kind = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
            rest = data[place + 4 : place + 8 + size]
            place += 12 + size
            assert zlib.crc32(rest) == int.from_bytes(data[place - 4 : place]), path.name
            kinds.append(kind)
        assert kinds[0] == b"IHDR"
        assert kinds[-1] == b"IEND"


def test_a_terminal_is_told_nothing_but_text(made: tuple[Path, trueup.Audit]) -> None:
    out, audit = made
    written = [path for path in out.rglob("*") if path.is_file()]
    assert_printable(summary_text(audit.report, written))
    for findings in audit.report.findings:
        most = 99 if findings.check.id in {"overdraft", "crashed_invocation"} else 3
        for row in findings.rows(f"place <= {most}"):
            assert_printable(audit.explain(row["finding_id"]).as_text())


def test_json_on_a_terminal_is_nothing_but_text(capsys: pytest.CaptureFixture[str]) -> None:
    texts = list(HOSTILE.values())
    _show_json({kept(text): [kept(text)] for text in texts})
    told = capsys.readouterr().out
    assert not [line for line in told.split("\n") if not line.isprintable()]
    assert json.loads(told) == {kept(text): [kept(text)] for text in texts}


def assert_printable(text: str) -> None:
    told = [line for line in text.split("\n") if not line.isprintable()]
    assert not told
    assert max(map(len, text.split("\n"))) < 200


def test_a_currency_per_transaction_makes_reports_that_can_be_read(
    tmp_path: Path, ledger: Line
) -> None:
    count = 1_500
    lines = "\n".join(f"10:00:00 T{n} s C{n} DEBIT 90 0 50 -40 -45 applied" for n in range(count))
    (tmp_path / "a.log").write_text(ledger(lines))
    settings = Settings(processes=1, memory_limit="120MB")
    with trueup.audit(tmp_path / "a.log", settings=settings) as audit:
        audit.write(tmp_path / "out", ["xlsx", "html", "png"])
        assert len(audit.report.currencies) == count
        summary = summary_text(audit.report, [])
    assert summary.count("1,480 more") > 1
    assert len(summary.splitlines()) < 100
    assert len(list((tmp_path / "out" / "charts").iterdir())) < 200
    book = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx", read_only=True)
    header = next(row for row in book["What to do"].iter_rows(values_only=True) if row[0] == "Rank")
    assert len([title for title in header if title.startswith("At risk, ")]) == 20
    assert header[-1] == "Weight"


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Callable[[Path], tuple[str, str]]]:
    """Return what a page has become in a browser, and what the browser said of it."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium here")
    started: list[subprocess.Popen[bytes]] = []

    def run(path: Path) -> tuple[str, str]:
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
            "--virtual-time-budget=3000", path.as_uri(),
        ]  # fmt: skip
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        started.append(process)
        page, said = process.communicate(timeout=120)
        return page.decode(), said.decode(errors="replace")

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_nothing_runs_in_a_browser(
    made: tuple[Path, trueup.Audit], browse: Callable[[Path], tuple[str, str]]
) -> None:
    page, said = browse(made[0] / "report.html")
    assert "<title>trueup report</title>" in page
    assert "<stolen" not in page
    assert page.count("main-svg") > 1  # our own script did run
    told = [text for text in said.splitlines() if "CONSOLE" in text]
    assert not told


def test_the_browser_would_run_it(
    tmp_path: Path, browse: Callable[[Path], tuple[str, str]]
) -> None:
    """The proof that the test above could fail, and that the policy alone would hold."""
    script = HOSTILE["script"]
    bare = tmp_path / "bare.html"
    bare.write_text(f"<!DOCTYPE html><title>x</title><body>{script}")
    page, _ = browse(bare)
    assert "<title>stolen</title>" in page
    assert "<stolen" in page
    bare.write_text(
        "<!DOCTYPE html><meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
        f"<title>x</title><body>{script}"
    )
    page, said = browse(bare)
    assert "<title>x</title>" in page
    assert "Content Security Policy" in said
