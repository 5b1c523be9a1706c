"""Streams become folders of packed files, as an export of CloudWatch Logs leaves them."""

from __future__ import annotations

import zlib
from itertools import pairwise
from pathlib import Path
from random import Random

from trueup.sample.tally import Tally

_GZIP = 31  # zlib's code for a gzip header, in which it leaves time and name empty
_STAMP = 24  # characters of the export's timestamp

_SCRAMBLED = 0.3
_CUT_IN_TWO = 0.05
_ENOUGH_TO_CUT = 4_000


def write_stream(folder: Path, name: str, text: str, rng: Random, tally: Tally) -> None:
    """Write a stream's entries, given in order of time; some are cut in two, some out of order."""
    parts = [text]
    if len(text) > _ENOUGH_TO_CUT and rng.random() < _CUT_IN_TWO:
        parts = _cut(text, [rng.randrange(len(text))])
    if rng.random() < _SCRAMBLED:
        parts = [_scrambled(part, rng) for part in parts]
    stream = folder / name
    stream.mkdir()
    for number, part in enumerate(parts):
        data = part.encode()
        packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
        packed = packer.compress(data) + packer.flush()
        (stream / f"{number:06d}.gz").write_bytes(packed)
        tally.files += 1
        tally.packed_bytes += len(packed)
        tally.unpacked_bytes += len(data)


def _scrambled(text: str, rng: Random) -> str:
    """Return the entries with whole runs of them out of place."""
    runs = _cut(text, [rng.randrange(len(text)) for _ in range(rng.choice((1, 1, 1, 2, 3, 5)))])
    order = list(range(len(runs)))
    rng.shuffle(order)
    if order == sorted(order):
        order.reverse()
    return "".join([runs[place] for place in order])


def _cut(text: str, near: list[int]) -> list[str]:
    """Cut between entries, near the given places, and never between two of the same millisecond."""
    cuts = sorted({0, *(_boundary(text, place) for place in near), len(text)})
    return [text[start:end] for start, end in pairwise(cuts)]


def _boundary(text: str, near: int) -> int:
    # an empty line ends an entry and stands nowhere within one
    while (found := text.find("\n\n", near)) >= 0:
        here = found + 2
        before = text.rfind("\n\n", 0, found)
        before = 0 if before < 0 else before + 2
        if text[here : here + _STAMP] != text[before : before + _STAMP]:
            break
        near = here
    return len(text) if found < 0 else here
