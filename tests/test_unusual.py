"""Unusual changes: what each method takes as out of line with a history, and what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import trueup
from trueup.config import Amounts, Settings
from trueup.errors import BadUse
from trueup.extras import make_ready

Run = Callable[..., trueup.Audit]
Make = Callable[..., str]

PYOD = ("ecod", "iforest")
LEARNED = (*PYOD, "autoencoder")


def history(subscriber: str, currency: str, sizes: Sequence[float], start: int = 0) -> str:
    """Make a ledger of debits of these sizes, one a second."""
    lines, balance = [], Decimal(5000)
    for number, size in enumerate(map(Decimal, map(str, sizes)), start):
        minute, second = divmod(number, 60)
        left = balance - size
        lines.append(
            f"10:{minute:02}:{second:02} {subscriber}{number} {subscriber} {currency} "
            f"DEBIT {size} 0 {balance} {left} {left} applied"
        )
        balance = left
    return "\n".join([*lines, ""])


def jumps(method: str, count: int = 30) -> str:
    """Make a ledger in which only ana12 stands out; skips where the method has no library."""
    skip_without(method)
    sizes = [20 + number % 5 for number in range(count)]
    ana = [*sizes[:12], 300, *sizes[13:]]
    return history("ana", "SAR", ana) + history("bob", "SAR", sizes, count)


def skip_without(method: str) -> None:
    for module in ("pyod", "torch", "tqdm") if method == "autoencoder" else ("pyod",):
        pytest.importorskip(module)


@pytest.fixture
def unusual(audit: Run, ledger: Make) -> Callable[..., list[str]]:
    """Audit a ledger and return the transactions that are unusual."""

    def run(lines: str, **settings: Any) -> list[str]:
        done = audit(ledger(lines), settings=Settings(processes=1, **settings))
        return [row["transaction_id"] for row in done.findings("unusual_change").to_pylist()]

    return run


Unusual = Callable[..., list[str]]


def test_a_constant_history_with_noise_has_nothing_unusual(unusual: Unusual) -> None:
    lines = history("ana", "BHD", [20, 20, 20.001, 20, 20, 19.999, 20, 20])
    assert unusual(lines) == []


@pytest.mark.parametrize("method", ["robust", "sigma"])
def test_a_jump_in_a_constant_history_is_found(unusual: Unusual, method: str) -> None:
    lines = history("ana", "SAR", [20, 20, 20, 200, 20, 20, 20])
    assert unusual(lines, checks_unusual_method=method) == ["ana3"]


def test_fewer_than_five_of_its_own_are_held_against_everybodys(
    audit: Run, ledger: Make, unusual: Unusual
) -> None:
    few, many = history("ana", "SAR", [20, 20, 2000, 20]), [20] * 15
    assert unusual(few + history("bob", "SAR", many, 10)) == []
    done = audit(ledger(few + history("bob", "SAR", [*many, 20], 10)))
    (row,) = done.findings("unusual_change").to_pylist()
    assert (row["transaction_id"], row["expected"]) == ("ana2", -20)
    assert "everybody's changes" in row["basis"]


def test_five_of_its_own_are_held_against_themselves(unusual: Unusual) -> None:
    lines = history("ana", "SAR", [2000] * 5) + history("bob", "SAR", [20] * 30, 10)
    assert unusual(lines) == []


@pytest.mark.parametrize("method", ["robust", "sigma"])
def test_currencies_never_mix(unusual: Unusual, method: str) -> None:
    lines = history("ana", "BHD", [20] * 30) + history("ana", "AED", [2000], 40)
    assert unusual(lines, checks_unusual_method=method) == []


@pytest.mark.parametrize(("others", "found"), [(4, []), (5, ["ana5"])])
def test_sigma_needs_five_others(unusual: Unusual, others: int, found: list[str]) -> None:
    lines = history("ana", "SAR", [20] * others + [200], 5 - others)
    assert unusual(lines, checks_unusual_method="sigma") == found


@pytest.mark.parametrize(("floor", "found"), [(1, ["ana3"]), (2, [])])
def test_the_floor_is_the_least_spread(unusual: Unusual, floor: int, found: list[str]) -> None:
    lines = history("ana", "SAR", [1, 1, 1, 12, 1, 1, 1])
    assert unusual(lines, checks_unusual_floor=Amounts(Decimal(floor))) == found


@pytest.mark.parametrize(("deviations", "found"), [(8, ["ana3"]), (12, [])])
def test_the_deviations_are_a_setting(unusual: Unusual, deviations: int, found: list[str]) -> None:
    lines = history("ana", "SAR", [20, 20, 20, 120, 20, 20, 20])
    assert unusual(lines, checks_unusual_deviations=Decimal(deviations)) == found


def test_what_comes_after_the_window_is_no_history(unusual: Unusual) -> None:
    from datetime import datetime

    lines = history("ana", "SAR", [20, 20, 20, 20, 200, 20])
    assert unusual(lines) == ["ana4"]
    # At its end ana has four changes, and everybody together fewer than twenty.
    assert unusual(lines, until=datetime(2024, 2, 1, 10, 0, 5)) == ["ana4"]  # noqa: DTZ001
    assert unusual(lines, until=datetime(2024, 2, 1, 10, 0, 4)) == []  # noqa: DTZ001
    assert unusual(lines, since=datetime(2024, 2, 1, 10, 0, 5)) == []  # noqa: DTZ001


@pytest.mark.parametrize("method", LEARNED)
def test_a_learned_method_finds_an_obvious_jump(audit: Run, ledger: Make, method: str) -> None:
    settings = Settings(processes=1, checks_unusual_method=method)
    done = audit(ledger(jumps(method)), settings=settings)
    (row,) = done.findings("unusual_change").to_pylist()
    assert (row["transaction_id"], row["expected"], row["logged"]) == ("ana12", -22, -300)
    assert row["allowed"] is None
    of = next(one for one in done.report.findings if one.check.id == "unusual_change")
    assert next(of.rows())["explanation"] == (
        "Transaction ana12 of ana changed the balance by SAR -300.00 (TEST); usual is SAR -22.00. "
        f"To the method {method} it is among the 1% of all changes that stand out most; usual is "
        "the median of the subscriber's own changes of this kind."
    )


@pytest.mark.parametrize("method", LEARNED)
def test_a_learned_method_takes_the_share(unusual: Unusual, method: str) -> None:
    found = unusual(
        jumps(method), checks_unusual_method=method, checks_unusual_share=Decimal("0.1")
    )
    assert len(found) == 6  # of 60


@pytest.mark.parametrize("method", LEARNED)
def test_a_learned_method_gives_the_same_for_any_order(
    tmp_path: Path, ledger: Make, method: str
) -> None:
    settings: dict[str, Any] = {
        "checks_unusual_method": method,
        "checks_unusual_share": Decimal("0.2"),
    }
    first, second = jumps(method), history("cid", "BHD", [1 + n % 7 for n in range(25)])
    for name, lines in (("a", first), ("b", second)):
        (tmp_path / f"{name}.log").write_text(ledger(lines).replace("-4000-", f"-400{name}-"))
    tables = []
    for names, processes in (("ab", 1), ("ba", 1), ("ba", 2)):
        paths = [tmp_path / f"{name}.log" for name in names]
        with trueup.audit(paths, settings=Settings(processes=processes, **settings)) as done:
            tables.append(done.findings("unusual_change"))
    assert tables[0].num_rows == 17
    assert tables[0] == tables[1] == tables[2]


@pytest.mark.parametrize("method", LEARNED)
def test_a_learned_method_is_silent_where_all_is_alike(unusual: Unusual, method: str) -> None:
    skip_without(method)
    lines = history("ana", "SAR", [20] * 40)
    assert unusual(lines, checks_unusual_method=method) == []


@pytest.mark.parametrize("method", LEARNED)
def test_a_learned_method_leaves_what_no_history_is(unusual: Unusual, method: str) -> None:
    skip_without(method)
    lines = history("ana", "SAR", [20] * 18 + [900])
    assert unusual(lines, checks_unusual_method=method) == []
    assert unusual(history("ana", "SAR", [0]), checks_unusual_method=method) == []


@pytest.mark.parametrize("method", LEARNED)
def test_a_learned_method_takes_zeros_and_gaps(unusual: Unusual, method: str) -> None:
    skip_without(method)
    lines = history("ana", "SAR", [0] * 20 + [50]) + history("bob", "BHD", [7], 30)
    lines += "10:01:00 cid1 cid SAR DEBIT NaN 0 5 NaN 5 applied\n"
    settings: dict[str, Any] = {
        "checks_unusual_method": method,
        "checks_unusual_floor": Amounts(Decimal(0)),
    }
    assert unusual(lines, **settings) == ["ana20"]


def test_a_learned_method_leaves_no_trace() -> None:
    skip_without("autoencoder")
    import random

    import numpy as np

    from trueup.checks.unusual.learned import DETECTORS, _undisturbed

    features = np.arange(60.0).reshape(30, 2)
    environment, numbers = dict(os.environ), random.getstate()
    with _undisturbed():
        DETECTORS["autoencoder"](features)
    assert (dict(os.environ), random.getstate()) == (environment, numbers)


@pytest.mark.parametrize(
    ("method", "missing", "words"),
    [
        ("ecod", "pyod", 'ecod needs PyOD: pip install "trueup[learned]"'),
        ("iforest", "pyod", 'iforest needs PyOD: pip install "trueup[learned]"'),
        ("autoencoder", "torch", 'autoencoder needs PyTorch: pip install "trueup[autoencoder]"'),
    ],
)
def test_a_missing_library_is_told_before_logs_are_read(
    monkeypatch: pytest.MonkeyPatch, method: str, missing: str, words: str
) -> None:
    for module in ("pyod", "torch", "tqdm"):
        monkeypatch.setitem(sys.modules, module, sys)
    monkeypatch.setattr(sys, "__spec__", object(), raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    settings = Settings(processes=1, checks_unusual_method=method)
    with pytest.raises(BadUse) as told:
        trueup.audit("no/such/folder", settings=settings)
    assert str(told.value) == f"checks.unusual_method: {words}"
    make_ready(Settings(checks_unusual_method=method, checks_off=("unusual_change",)))


def command(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trueup", "audit", "logs", "--config", "trueup.toml",
         "--out", "out"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("method", LEARNED)
def test_the_command_line_takes_a_learned_method(tmp_path: Path, ledger: Make, method: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text(ledger(jumps(method)))
    (tmp_path / "trueup.toml").write_text(f'[checks]\nunusual_method = "{method}"\n')
    done = command(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "unusual_change             1" in done.stdout
