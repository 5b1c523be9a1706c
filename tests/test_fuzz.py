"""Every input that fuzzing kept comes back, in time; so do the seeds that it began with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from fuzz_targets import TARGETS

KEPT = sorted(path for path in (Path(__file__).parent / "fuzz").glob("*/*") if path.is_file())


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """End what hangs: fuzzing allows a second, a busy machine ten."""

    def ring(_: int, __: FrameType | None) -> None:
        raise TimeoutError("the input takes too long")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}"[:40])
def test_a_kept_input_comes_back(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\xff" * 100, b"{" * 20_000, b"[" * 20_000, b"(" * 9]
)
def test_simple_inputs_come_back(target: str, data: bytes) -> None:
    TARGETS[target](data)
