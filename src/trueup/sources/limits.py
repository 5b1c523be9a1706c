"""How far reading goes with what grows on its way out: packed files, archives, documents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that no log meets and a hostile file runs into."""

    nesting: int = 5
    """Packings, or archives, inside one another."""
    expansion: int = 200
    """Times its own size that a file may unpack to; logs pack seven to one, repetitive ones 50."""
    expansion_from: int = 100 * 10**6
    """Bytes of text up to which a file may unpack to any multiple of its size."""
    members: int = 100_000
    """Files in one archive."""
    total: int = 20 * 10**9
    """Bytes that all archives of a run may unpack to."""
