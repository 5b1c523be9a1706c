"""report.html: its figures, that hostile text stays text, and that it loads nothing."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import trueup
from trueup.config import Settings
from trueup.money import Currencies
from trueup.reports.html import charts, listed, words
from trueup.reports.html import page as page_module
from trueup.reports.html.page import policy
from trueup.sample import write_sample

STAMP = datetime(2024, 5, 1)  # noqa: DTZ001
VOID = {"meta", "input", "br", "link", "img"}
Run = Callable[..., trueup.Audit]
Make = Callable[..., str]


class Page(HTMLParser):
    """A page's elements: tag, attributes, the text within, the elements around."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[dict[str, Any]] = []
        self._open: list[dict[str, Any]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        around = [one["tag"] for one in self._open]
        element = {"tag": tag, "attrs": dict(attrs), "text": "", "around": around}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        closed = self._open.pop()
        assert closed["tag"] == tag, (closed["tag"], tag)

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element["text"] += data

    def find(self, tag: str, **attrs: str) -> list[dict[str, Any]]:
        wanted = {name.replace("_", "-"): value for name, value in attrs.items()}
        return [
            one
            for one in self.elements
            if one["tag"] == tag and wanted.items() <= one["attrs"].items()
        ]

    def table(self, identity: str) -> list[list[str]]:
        """Return the cells of a table's body."""
        start = self.elements.index(self.find("table", id=identity)[0])
        depth = len(self.elements[start]["around"])
        rows: list[list[str]] = []
        for one in self.elements[start + 1 :]:
            if len(one["around"]) <= depth:
                break
            if one["tag"] == "tr" and one["around"][-1] == "tbody":
                rows.append([])
            if one["tag"] in {"td", "th"} and "tbody" in one["around"]:
                rows[-1].append(one["text"].strip())
        return rows


def plain(text: str) -> str:
    return text.replace(",", "")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("html")
    write_sample(folder / "logs", subscribers=40, days=40, seed=5)
    settings = Settings(processes=1)
    with trueup.audit(folder / "logs", settings=settings, generated_at=STAMP) as audit:
        audit.write(folder / "out", ["html", "json"])
        audit.write(folder / "again", ["html"])
    return folder


@pytest.fixture(scope="module")
def page(out: Path) -> Page:
    return Page((out / "out" / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def report(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "out" / "report.json").read_text())
    return loaded


def test_the_first_page_shows_the_figures_of_the_report(page: Page, report: dict[str, Any]) -> None:
    shown = [one for one in page.elements if "data-figure" in one["attrs"]]
    figures = {one["attrs"]["data-figure"]: plain(one["text"]) for one in shown}
    assert figures["entries"] == str(report["counts"]["entries"])
    assert figures["understood"] == str(report["reading"]["understood"])
    assert figures["all-transactions"] == str(report["counts"]["transactions"])
    codes = [one["attrs"]["data-currency"] for one in page.find("article")]
    assert codes == list(report["currencies"])
    for name in report["currencies"][codes[0]]:
        of = [plain(one["text"]) for one in shown if one["attrs"]["data-figure"] == name]
        assert of == [str(figures[name]) for figures in report["currencies"].values()], name


def test_findings_are_those_of_the_report(page: Page, report: dict[str, Any]) -> None:
    wanted = [one for one in report["findings"] if one["severity"] != "info"]
    rows = page.table("findings-table")
    assert [row[0] for row in rows] == [one["severity"] for one in wanted]
    assert [plain(row[8]) for row in rows] == [one["amount_at_risk"] for one in wanted]
    for row, one in zip(rows, wanted, strict=True):
        assert one["explanation"] in row[9]
        assert one["finding_id"] in row[9]
        assert one["evidence"]["request_id"] is None or one["evidence"]["request_id"] in row[9]


def test_counts_of_the_checks_are_those_of_the_report(page: Page, report: dict[str, Any]) -> None:
    listed_ids = [
        one["attrs"]["data-check"] for one in page.find("tr") if "data-check" in one["attrs"]
    ]
    for check in report["checks"]:
        asked = check["findings"] - check["by_severity"].get("info", 0)
        assert listed_ids.count(check["id"]) == asked, check["id"]


def test_subscribers_come_by_risk(page: Page, report: dict[str, Any]) -> None:
    rows = page.table("subscribers-table")
    wanted = sorted((one["risk_score"] for one in report["subscribers"]), reverse=True)
    assert [int(row[2]) for row in rows] == [score for score in wanted if score][:200]
    by_id = {(one["subscriber_id"], one["currency"]): one for one in report["subscribers"]}
    for row in rows:
        assert plain(row[3]) == (by_id[row[0], row[1]]["gap_at_end"] or "")


def test_charts_have_tables_that_add_up(page: Page, report: dict[str, Any]) -> None:
    figures = page.find("figure")
    assert [one["attrs"]["data-chart"] for one in figures][:3] == [
        "transactions",
        "money",
        "errors",
    ]
    text = page.find("figure", data_chart="transactions")[0]["text"]
    days = re.findall(r"^(\d{4}-\d\d-\d\d)([\d,]+)$", text, re.MULTILINE)
    assert sum(int(plain(count)) for _, count in days) == report["counts"]["transactions"]


def test_the_same_report_gives_the_same_page(out: Path) -> None:
    first, second = out / "out" / "report.html", out / "again" / "report.html"
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 3_000_000


def test_it_loads_nothing(page: Page) -> None:
    for one in page.elements:
        assert not {"src", "srcset", "style", "action"} & one["attrs"].keys(), one["attrs"]
        assert not any(name.startswith("on") for name in one["attrs"])
        assert one["attrs"].get("href", "#").startswith("#")
        assert one["tag"] not in {"link", "img", "iframe", "object", "embed", "base"}
    rules = page.find("meta", http_equiv="Content-Security-Policy")[0]["attrs"]["content"]
    assert rules.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in rules
    scripts = [one["text"] for one in page.find("script")]
    styles = {one["text"] for one in page.find("style")}
    assert rules == policy(scripts, sorted(styles, reverse=True))


def test_the_vendored_bundle_is_the_one_that_its_note_names() -> None:
    folder = Path(page_module.__file__).parent / "plotly"
    digest = hashlib.sha256((folder / "plotly-basic.min.js").read_bytes()).hexdigest()
    assert digest in (folder / "README.md").read_text()
    assert "MIT" in (folder / "LICENSE").read_text()


def test_headings_are_in_order_and_tables_are_named(page: Page) -> None:
    levels = [int(one["tag"][1]) for one in page.elements if re.fullmatch("h[1-6]", one["tag"])]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(page.find("caption")) == len(page.find("table"))
    for one in page.find("th"):
        assert one["attrs"]["scope"] in {"col", "row"}


MARKER = "data-stolen"
SET = f'document.documentElement.setAttribute("{MARKER}",1)'
HOSTILE = [
    f"<script>{SET}</script>", f"</script><script>{SET}</script>", f"<img src=x onerror={SET}>",
    f'" onmouseover="{SET}" autofocus onfocus="{SET}', f"<a href=javascript:{SET}>a</a>",
    "{{ 7 * 7 }}{% raw %}", "<b>bold</b>", "</td></tr></table><svg onload=1>", "x" * 40_000,
    "a\\x00b\\x07c", "\u202eright", "a\u2028\N{PILE OF POO}", "&lt;i&gt;", "<!--", "]]>", "\\ud800",
]  # fmt: skip


@pytest.fixture
def hostile(audit: Run, ledger: Make, tmp_path: Path) -> Path:
    text = "".join(
        ledger("10:00:00 TX who CUR DEBIT 90 0 50 -40 -40 applied error 7 8", f"2024-02-{day:02}")
        .replace("'who'", f"`{bad}`")
        .replace("'TX'", f"`{bad}`")
        .replace("'PAYMENT'", f"`{bad}`")
        .replace("'TEST'", f"`{bad}`")
        .replace("'CUR'", f"`{bad}`" if day % 2 else "'SAR'")
        for day, bad in enumerate(HOSTILE, 1)
    )
    done = audit(text, generated_at=STAMP)
    assert done.report.counts["transactions"] == len(HOSTILE)
    done.write(tmp_path / "out", ["html"])
    return tmp_path / "out" / "report.html"


def test_hostile_text_makes_no_element(hostile: Path) -> None:
    text = hostile.read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.find("script")) == 2
    made = {one["tag"] for one in page.elements}
    assert not made & {"img", "svg", "iframe", "i"}
    assert {one["attrs"].get("href", "#")[0] for one in page.find("a")} == {"#"}
    for one in page.elements:
        assert not any(name.startswith("on") or name == "autofocus" for name in one["attrs"])
    subscribers = {row[0] for row in page.table("subscribers-table")}
    assert {bad for bad in HOSTILE if "\\" not in bad and len(bad) < 100} <= subscribers
    assert "x" * 1_000 + " [cut]" in subscribers
    assert "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c" in subscribers
    assert "\0" not in text
    assert len(text) < 3_000_000


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """Return what a page has become once its scripts ran."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium here")
    started: list[subprocess.Popen[bytes]] = []

    def dump(path: Path) -> str:
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
            "--virtual-time-budget=5000", path.as_uri(),
        ]  # fmt: skip
        done = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        started.append(done)
        return done.communicate(timeout=90)[0].decode()

    yield dump
    for one in started:
        if one.poll() is None:
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()


def test_nothing_hostile_runs_in_a_browser(hostile: Path, browser: Callable[[Path], str]) -> None:
    text = browser(hostile)
    page = Page(re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL))
    (root,) = page.find("html")
    assert MARKER not in root["attrs"]
    # The page's own script did run: the charts are drawn, and the tables can be sorted.
    assert page.find("svg", **{"class": "main-svg"})
    assert [one for one in page.find("button") if one["text"] == "Severity"]
    assert not [one for one in page.find("a") if not one["attrs"].get("href", "#").startswith("#")]


def test_findings_past_the_limit_are_cut_and_said_so(
    audit: Run, ledger: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "MOST_FINDINGS", 5)
    lines = "\n".join(
        f"10:00:{n:02} T{n} s{n} SAR DEBIT 90 0 50 {-n - 1} {-n - 1} applied" for n in range(9)
    )
    done = audit(ledger(lines))
    done.write(tmp_path / "out", ["html"])
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert len(page.table("findings-table")) == 5
    found = sum(
        check["findings"] - check["by_severity"].get("info", 0) for check in done.report.checks
    )
    (note,) = [one for one in page.find("b") if "findings are shown" in one["text"]]
    assert note["text"] == f"5 of {found} findings are shown"


def test_a_long_chart_is_cut_and_says_so(
    audit: Run, ledger: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "MOST_ROWS", 1)
    done = audit(
        ledger("""
        10:00:00 T1 ana SAR DEBIT 9 0 50 41 41 applied
        10:00:00 T2 ana SAR DEBIT 9 0 41 32 32 applied day=2024-02-02
    """)
    )
    first = charts.charts(done.report)[0]
    assert [row[1] for row in first.rows] == [1]
    assert first.note.endswith("Cut: the first 1 of 2 rows.")


def test_accepted_findings_stand_apart(audit: Run, ledger: Make, tmp_path: Path) -> None:
    log = ledger("10:00:00 T1 ana SAR DEBIT 90 0 50 -40 -40 applied")
    found = audit(log).findings("overdraft").to_pylist()[0]["finding_id"]
    accepted = tmp_path / "accepted.csv"
    accepted.write_text(f"finding_id,who,when,why\n{found},<i>Ana</i>,2024-03-01,known\n")
    settings = Settings(processes=1, checks_accepted=str(accepted))
    audit(log, settings=settings).write(tmp_path / "out", ["html"])
    page = Page((tmp_path / "out" / "report.html").read_text())
    (row,) = page.table("accepted-table")
    assert "Accepted by <i>Ana</i> on 2024-03-01: known" in row[9]
    assert found not in str(page.table("findings-table"))


def test_logs_without_transactions_make_a_page(audit: Run, tmp_path: Path) -> None:
    done = audit("2024-02-01T10:00:00.000Z INIT_START Runtime Version: x\n")
    done.write(tmp_path / "out", ["html"])
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert "There are no transactions." in [one["text"] for one in page.find("p")]


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ({"a": 2, "b": 100, "c": 100}, {"a": 2, "b": 4, "c": 4}),
        ({"a": 1, "b": 0}, {"a": 1, "b": 0}),
        ({}, {}),
    ],
)
def test_places_are_shared_out(wanted: dict[str, int], given: dict[str, int]) -> None:
    assert listed.share_out(wanted, 10) == given


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100.0%"), (0.99996, "over 99.9%"), (0.5, "50.0%"), (None, "")]
)
def test_what_is_not_all_is_not_a_hundred_percent(share: float | None, text: str) -> None:
    assert words.percent(share) == text


def test_amounts_are_exact() -> None:
    amount = words.printing(Currencies())["amount"]
    assert amount(Decimal("-1234.5"), "BHD") == "-1,234.500"
    assert amount(None, "BHD") == ""
