"""Limits of what is unpacked: an archive of a few bytes can hold more than a disk does."""

from __future__ import annotations

from trueup.config_values import Limits

__all__ = ["Guard", "Limits", "TooMuch"]


class TooMuch(Exception):  # noqa: N818  (it says what is wrong)
    """A limit was passed; the message says which, and what to do."""


class Guard:
    """Counts what comes out of one file, and stops it at a limit."""

    def __init__(self, limits: Limits, size: int, spent: int = 0) -> None:
        self.limits = limits
        self.unpacked = 0
        self._size = size
        self._spent = spent
        self._members = 0

    def take(self, size: int) -> None:
        """Count bytes that came out. Raises TooMuch."""
        limits = self.limits
        self.unpacked += size
        if self.unpacked > max(limits.expansion_from, limits.expansion * self._size):
            raise TooMuch(
                f"it unpacks to more than {limits.expansion} times its size: what comes after the "
                f"first {self.unpacked // 1_000_000:,} MB was not read (if it is no bomb, raise "
                "limits.expansion)"
            )
        if self._spent + self.unpacked > limits.total:
            raise TooMuch(
                f"unpacked files would take more than {limits.total // 1_000_000:,} MB: the rest "
                "was not read (raise limits.total)"
            )

    def take_member(self) -> None:
        """Count a member. Raises TooMuch."""
        self._members += 1
        if self._members > self.limits.members:
            raise TooMuch(
                f"it has more than {self.limits.members:,} members: the rest was not read (raise "
                "limits.members)"
            )

    def check_depth(self, depth: int) -> None:
        """Raise TooMuch where archives lie too deep within archives."""
        if depth > self.limits.nesting:
            raise TooMuch(
                f"archives lie more than {self.limits.nesting} deep in it: what is deeper was not "
                "read (raise limits.nesting, or unpack it first)"
            )
