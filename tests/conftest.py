"""What tests share: logs made from a ledger of a few lines, and an audit of files in a folder."""

from __future__ import annotations

import gzip
import html
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pyarrow.parquet as pq
import pytest

import trueup
from trueup.config import Settings

# A machine that is busy is no failure.
hypothesis.settings.register_profile("trueup", deadline=None)
hypothesis.settings.load_profile("trueup")

STREAM = "2024-02-01-[$LATEST]" + "a" * 32
METADATA = {"delivery": "deliveryId", "entry": "walletSk", "wallet": "walletId"}
OUTCOMES = {
    "applied": "SubscriptionBalanceUpdated event published",
    "already_synced": "Balance is already synced from other listeners",
    "skipped": "Skipping the balance sync for create subscription, it will be synced later",
    "failed": "An error occured while syncing the balance TypeError: Cannot read 'x'\n    at f (a.js:1)",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the files in tests/golden anew")


def app_line(time: str, request: str, text: str, level: str = "INFO") -> str:
    return f"{time} {time}\t{request}\t{level}\t{text}\n\n"


def transaction_text(**fields: str) -> str:
    """Print a transaction as the service does; values as they stand in the log."""
    lines = ",\n".join(f"    {name}: {value}" for name, value in fields.items())
    return f"Start syncing the balance {{\n  transaction: {{\n{lines}\n  }}\n}}"


def ledger_log(ledger: str, date: str = "2024-02-01") -> str:
    """Make a log of one invocation per line of the ledger.

    A line is `time id subscriber currency type amount vat old new payment outcome`, a `-` where
    the log has nothing; behind it may stand `error <subscription> <payment>`: its sync error, and
    `day=`, `action=`, `message=`, `delivery=`, `entry=`, `wallet=`: what is not as usual.
    """
    text = ""
    for number, line in enumerate(filter(None, map(str.strip, ledger.splitlines())), 1):
        (time, identity, subscriber, currency, kind, amount, vat, old, new, payment, outcome,
         *rest) = line.split()  # fmt: skip
        more = dict(word.split("=") for word in rest if "=" in word)
        error = [word for word in rest if "=" not in word]
        at = f"{more.get('day', date)}T{time}.000Z"
        request = f"00000000-0000-4000-8000-{number:012}"
        fields = {"id": f"'{identity}'"}
        if kind != "-":
            fields |= {
                "type": f"'{kind}'",
                "source": "'PAYMENT'",
                "action": f"'{more.get('action', 'TEST')}'",
            }
        fields["userId"] = f"'{subscriber}'"
        if payment != "-":
            fields["paymentBalance"] = payment
        fields |= {
            "currency": f"'{currency}'", "amount": amount, "vat": vat,
            "oldBalance": old, "newBalance": new,
        }  # fmt: skip
        if metadata := {METADATA[name]: more[name] for name in METADATA if name in more}:
            fields["metadata"] = f"'{json.dumps(metadata)}'"
        text += f"{at} START RequestId: {request} Version: $LATEST\n\n"
        text += app_line(at, request, f"Processing message {more.get('message', f'm{number}')}")
        text += app_line(at, request, transaction_text(**fields))
        text += _outcome(at, request, outcome, subscriber, old, identity)
        if error:
            text += app_line(
                at, request,
                "Subscription balance and payment balance are not in sync {\n"
                f"  userId: '{subscriber}',\n  subscriptionBalance: {error[1]},\n"
                f"  paymentBalance: {error[2]}\n}}", "ERROR",
            )  # fmt: skip
        text += f"{at} END RequestId: {request}\n\n"
        text += (
            f"{at} REPORT RequestId: {request}\tDuration: {number}0.5 ms\tBilled Duration: "
            f"{number}1 ms\tMemory Size: 512 MB\tMax Memory Used: 100 MB\t\n\n"
        )
    return text


def _outcome(at: str, request: str, outcome: str, subscriber: str, old: str, identity: str) -> str:
    if outcome == "-":
        return ""
    if outcome == "blocked":
        return app_line(
            at, request,
            "{\n  message: 'Subscriber will have a negative balance due to this action, the "
            "process will terminate.',\n  data: {\n"
            f"    userId: '{subscriber}',\n    currentBalance: {old},\n"
            f"    transactionId: '{identity}'\n  }}\n}}",
        )  # fmt: skip
    return app_line(at, request, OUTCOMES[outcome], "ERROR" if outcome == "failed" else "INFO")


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Callable[..., trueup.Audit]]:
    """Audit a text, or files by name, in this process."""
    done: list[trueup.Audit] = []

    def run(content: str | Mapping[str, bytes], **options: Any) -> trueup.Audit:
        folder = tmp_path / "logs"
        files = {f"{STREAM}/000000.gz": content.encode()} if isinstance(content, str) else content
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            packs = name.endswith(".gz") and not data.startswith(b"\x1f\x8b")
            path.write_bytes(gzip.compress(data, 1) if packs else data)
        options.setdefault("settings", Settings(processes=1))
        audit = trueup.audit(folder, **options)
        done.append(audit)
        return audit

    yield run
    for audit in done:
        audit.close()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real logs."""
    default = Path(__file__).parents[2] / "shared" / "corpus"
    folder = Path(os.environ.get("TRUEUP_CORPUS", default))
    if not (folder / "truth.json").exists():
        pytest.skip("no real logs here: set TRUEUP_CORPUS to a folder with truth.json")
    return folder


@pytest.fixture(name="contents", scope="session")
def _contents() -> Callable[[Path], dict[str, str]]:
    """Read every file in a folder as text, by its path: workbooks unzipped, tables as their cells."""

    def read(folder: Path) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): _text_of(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return read


def _text_of(path: Path) -> str:
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return "\n".join(html.unescape(book.read(name).decode()) for name in book.namelist())
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        cells = (str(cell) for column in table.columns for cell in column.to_pylist())
        return "\n".join([*table.column_names, *cells])
    text = path.read_text(errors="replace")
    return "\n".join([text, *_strings(json.loads(text))]) if path.suffix == ".json" else text


def _strings(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, keys too, without the escapes that a file has."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        items = (
            (one for pair in value.items() for one in pair) if isinstance(value, dict) else value
        )
        for one in items:
            yield from _strings(one)


def findings(audit: trueup.Audit, check: str) -> list[dict[str, Any]]:
    return audit.findings(check).to_pylist()


@pytest.fixture(name="findings")
def _findings() -> Callable[[trueup.Audit, str], list[dict[str, Any]]]:
    return findings


@pytest.fixture(name="ledger", scope="session")
def _ledger() -> Callable[..., str]:
    return ledger_log


@pytest.fixture(name="app_line", scope="session")
def _app_line() -> Callable[..., str]:
    return app_line


@pytest.fixture(name="message")
def _message() -> Callable[..., str]:
    """Make the log of a message that came to something without a transaction."""

    def make(
        time: str, identity: str, outcome: str, subscriber: str = "", old: str = "0", of: str = ""
    ) -> str:
        at = f"2024-02-01T{time}.000Z"
        begun = app_line(at, f"request-of-{identity}", f"Processing message {identity}")
        return begun + _outcome(at, f"request-of-{identity}", outcome, subscriber, old, of)

    return make


def table_of(sheet: Any) -> list[dict[str, Any]]:
    """Return the rows of a sheet's table: its header is the row that the filter begins at."""
    top = sheet[sheet.auto_filter.ref.split(":")[0]].row
    rows = sheet.iter_rows(min_row=top, values_only=True)
    header = next(rows)
    return [
        dict(zip(header, row, strict=True)) for row in rows if any(cell is not None for cell in row)
    ]


@pytest.fixture(name="table_of", scope="session")
def _table_of() -> Callable[[Any], list[dict[str, Any]]]:
    return table_of
