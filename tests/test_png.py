"""The charts as pictures: there, alike for the same report, and safe from what logs say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

from PIL import Image

import trueup
from trueup.reports.png_drawing import Canvas
from trueup.reports.png_report import BLUE, RED, ChartData, chart_files, charts, write_charts
from trueup.reports.png_shapes import Bars, ByDay, ByRank

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]

LEDGER = """
    10:00:00 T1 ana BHD CREDIT 1100 100 5 1005 16 applied error 1005 16
    10:00:01 T2 ana BHD DEBIT 3 0 1005 1002 -4 applied
    10:00:02 T3 bob SAR DEBIT 90 0 50 -40 50 blocked
"""


def size_of(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def test_every_chart_names_currency_and_period(audit: Run, ledger: Make) -> None:
    done = audit(ledger(LEDGER))
    titles = {chart.name: chart.title for chart in charts(ChartData.of(done.report))}
    assert titles == {
        "transactions-per-day": "Transactions per day",
        "errors-per-day": "Sync errors and failed messages per day",
        "top-actions": "Actions with the most transactions",
        "credits-and-debits-BHD": "Credits and debits per day, BHD",
        "amounts-BHD": "How large amounts are, BHD",
        "top-transactions-BHD": "Subscribers with the most transactions, BHD",
        "top-sync-errors-BHD": "Subscribers with the most sync errors, BHD",
        "top-exposure-BHD": "Subscribers with the largest gaps, BHD",
        "credits-and-debits-SAR": "Credits and debits per day, SAR",
        "amounts-SAR": "How large amounts are, SAR",
        "top-transactions-SAR": "Subscribers with the most transactions, SAR",
    }


def test_pictures_are_written_alike(audit: Run, ledger: Make, tmp_path: Path) -> None:
    done = audit(ledger(LEDGER))
    first = done.write(tmp_path / "one", ["png"])
    data = ChartData.of(done.report)
    (tmp_path / "two").mkdir()
    write_charts(data, tmp_path / "two")
    names = chart_files(data)
    assert [path.name for path in first] == [*names, "manifest.json"]
    for name in names:
        one, other = tmp_path / "one" / "charts" / name, tmp_path / "two" / name
        assert size_of(one) == (1280, 720)
        assert one.read_bytes() == other.read_bytes()


def test_hostile_names_are_drawn_as_they_are(audit: Run, ledger: Make, tmp_path: Path) -> None:
    text = ledger(LEDGER).replace("'ana'", "'$\\\\frac{1}{$<b>\x00" + "x" * 5000 + "'")
    text = text.replace("'BHD'", "'../$B'")
    done = audit(text)
    paths = done.write(tmp_path, ["png"])
    assert {path.parent for path in paths[:-1]} == {tmp_path / "charts"}
    assert "top-exposure-----B.png" in {path.name for path in paths}
    assert all(path.exists() for path in paths)


def test_logs_without_transactions_have_no_charts(audit: Run) -> None:
    done = audit("2024-02-01T10:00:00.000Z START RequestId: r1 Version: $LATEST\n\n")
    assert list(charts(ChartData.of(done.report))) == []


def test_a_single_day_and_nothing_but_debits_are_drawn() -> None:
    canvas = Canvas()
    for values in ([5], [-5], [0]):
        shape = ByDay([date(2024, 2, 1)], [Bars(values, BLUE, "debits"), Bars(values, RED)])
        assert canvas.draw("One day", shape).startswith(b"\x89PNG\r\n\x1a\n")
    assert canvas.draw("None", ByRank([], Bars([], BLUE), [])) != canvas.draw("None", shape)


def test_a_picture_is_what_was_drawn() -> None:
    shape = ByRank(["all"], Bars([1], RED), ["1"])
    picture = Image.open(BytesIO(Canvas().draw("", shape)))
    picture.load()  # which reads all of it, and compares its checksums
    assert (picture.size, picture.mode) == ((1280, 720), "RGBA")
    assert picture.getpixel((0, 0)) == (255, 255, 255, 255)
    assert picture.getpixel((500, 300)) == (0xD5, 0x5E, 0, 255)
