"""What the server remembers between calls: handles that expire, and plans by their SQL.

Owns bounds and times to live. Must not know what it keeps.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Clock = Callable[[], float]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Expiring(Generic[_K, _V]):
    """A bounded map whose entries live for a time after their last use.

    Entries stand in order of use, so both the expired and the least recently used are at the
    front: every operation is O(1) but for the entries that it drops.

    Args:
        capacity: the least recently used entry makes room for one more.
        ttl_seconds: how long an entry lives.
        clock: seconds; `time.monotonic`.
        renews: whether a use restarts the entry's time.
    """

    def __init__(
        self,
        capacity: int,
        ttl_seconds: float,
        clock: Clock = time.monotonic,
        *,
        renews: bool = True,
    ) -> None:
        self._capacity = capacity
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._renews = renews
        self._entries: OrderedDict[_K, tuple[float, _V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _K) -> _V | None:
        """The value, or None when it was never there, was dropped or has expired."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            now = self._clock()
            expires, value = entry
            if expires <= now:
                del self._entries[key]
                return None
            if self._renews:
                self._entries[key] = (now + self._ttl_seconds, value)
            self._entries.move_to_end(key)
            return value

    def put(self, key: _K, value: _V) -> None:
        """Keep `value`, dropping what has expired and what is one too many."""
        with self._lock:
            now = self._clock()
            self._entries[key] = (now + self._ttl_seconds, value)
            self._entries.move_to_end(key)
            while self._entries:
                oldest = next(iter(self._entries))
                if len(self._entries) <= self._capacity and self._entries[oldest][0] > now:
                    break
                del self._entries[oldest]

    def pop(self, key: _K) -> _V | None:
        """Take the value out, or None."""
        with self._lock:
            entry = self._entries.pop(key, None)
            return None if entry is None else entry[1]

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


class Handles(Expiring[bytes, _V]):
    """Values by handles that cannot be guessed."""

    def add(self, value: _V) -> bytes:
        """Keep `value` and return its new handle."""
        handle = secrets.token_bytes(16)
        self.put(handle, value)
        return handle
