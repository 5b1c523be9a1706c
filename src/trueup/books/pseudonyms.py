"""Pseudonyms: keyed hashes that stand for subscribers' ids, in the books and all that comes of them.

The same key gives the same pseudonym; without the key nobody can tell whose it is, not even by trying
all ids. `docs/privacy.md` says what is replaced and what is left out.
"""

from __future__ import annotations

import hmac
import json
import os
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

from trueup.errors import BadUse

SHORTEST_KEY = 16
"""Bytes of a key: fewer can be found by trying."""

PREFIX = "p-"

_DIGITS = 20
_WALLET = "wallet#"
# A shorter id, or beginning of one, could be a part of any word.
_TELLING = 6


def read_key(where: str) -> bytes:
    """Return the key in a file, or in the environment's variable `$NAME`; BadUse if it is no good."""
    if where.startswith("$"):
        key = os.environ.get(where[1:], "").encode("utf-8", "surrogateescape")
    else:
        try:
            key = Path(where).read_bytes()
        except OSError as error:
            reason = (error.strerror or "unreadable").lower()
            raise BadUse(f"pseudonyms: cannot read the key in {where}: {reason}") from error
    key = key.rstrip(b"\r\n")
    if len(key) < SHORTEST_KEY:
        found = f"is too short: {len(key)} bytes" if key.strip() else "is empty"
        raise BadUse(
            f"pseudonyms: the key in {where} {found}; it takes at least {SHORTEST_KEY} bytes "
            "(make one with: openssl rand -hex 32)"
        )
    return key


class Pseudonyms:
    """The pseudonyms of one key, and the ids that are known to be subscribers'."""

    def __init__(self, key: bytes, subscriber_ids: Iterable[str] = ()) -> None:
        self._key = key
        self.known: dict[str, str] = {}
        for one in subscriber_ids:
            # Within the text of an error, as a log has it, quotes and backslashes are escaped.
            self.known[json.dumps(one, ensure_ascii=False)[1:-1]] = self.of(one)
            self.known[one] = self.of(one)
        self._lengths = sorted({len(one) for one in self.known}, reverse=True)
        self._short_lengths = [length for length in self._lengths if length < _TELLING]
        self._starts = {one[:_TELLING] for one in self.known}
        self._sorted = sorted(self.known)

    def of(self, subscriber_id: str) -> str:
        """Return the pseudonym of an id."""
        digest = hmac.digest(self._key, subscriber_id.encode("utf-8", "replace"), "sha256")
        return PREFIX + digest.hex()[:_DIGITS]

    def of_wallet(self, wallet_id: str) -> str:
        """Return the wallet of a pseudonym: what names a wallet is a subscriber's id, known or not."""
        start = _WALLET if wallet_id.startswith(_WALLET) else ""
        return start + self.of(wallet_id.removeprefix(start))

    def within(self, text: str) -> str:
        """Return the text with a pseudonym for each known id in it, the longest that fits first."""
        parts: list[str] = []
        start = place = 0
        while place < len(text):
            found = self._known_at(text, place)
            if found:
                parts += [text[start:place], self.known[found]]
                start = place + len(found)
            place += len(found) or 1
        return "".join([*parts, text[start:]])

    def within_cut(self, text: str) -> str:
        """Do the same for a text that may be cut off in the middle of an id."""
        return self._without_cut_id(self.within(text))

    def _known_at(self, text: str, place: int) -> str:
        # Logs can be made to have ids of a thousand lengths: most places need none of them.
        is_begun = text[place : place + _TELLING] in self._starts
        for length in self._lengths if is_begun else self._short_lengths:
            found = text[place : place + length]
            if found in self.known and (
                len(found) >= _TELLING or _is_word(text, place, len(found))
            ):
                return found
        return ""

    def _without_cut_id(self, text: str) -> str:
        longest = min(len(text), self._lengths[0] if self._lengths else 0)
        for length in range(longest, _TELLING - 1, -1):
            tail = text[-length:]
            place = bisect_left(self._sorted, tail)
            is_begun = self._sorted[place : place + 1] and self._sorted[place].startswith(tail)
            if is_begun and _is_word(text, len(text) - length, length):
                return text[:-length] + PREFIX
        return text


def _is_word(text: str, place: int, length: int) -> bool:
    """Tell whether no letter or digit stands right before or behind that part of the text."""
    around = text[max(0, place - 1) : place] + text[place + length : place + length + 1]
    return not any(map(str.isalnum, around))
