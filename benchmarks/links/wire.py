"""One direction of an emulated link: a rate that its connections share, and a delay.

Owns when each byte leaves and arrives. Knows neither sockets nor processes: a flow is given its
ends, and the loop is asked for the time and for timers only.

Time on the wire is reckoned, not slept: a chunk leaves when the one before has left, although the
loop may look at it later. So timers that fire late cost no rate, and a delay costs none either.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

CHUNK_SECONDS = 0.0005
"""What one connection sends before the next has its turn, as time on the wire."""

CHUNK_BYTES = (1_460, 65_536)
"""The smallest and the largest chunk."""

SEND_SECONDS = 0.01
SEND_BYTES = 262_144
"""What a connection may have waiting for the wire, at least: as the buffer of a socket."""

WINDOW_BYTES = 1_048_576
UNLIMITED_WINDOW_BYTES = 16_777_216
"""What may be under way beyond what the wire itself holds, and where its rate has no limit."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a link is like.

    Attributes:
        rtt_seconds: round-trip time; each direction has half of it.
        bytes_per_second: of all connections together, in each direction; None for no limit.
        connection_bytes_per_second: of each connection; None for no limit.
    """

    rtt_seconds: float = 0.0
    bytes_per_second: float | None = None
    connection_bytes_per_second: float | None = None

    @property
    def chunk_bytes(self) -> int:
        """What a connection sends in its turn."""
        smallest, largest = CHUNK_BYTES
        if self.bytes_per_second is None:
            return largest
        return max(smallest, min(largest, int(self.bytes_per_second * CHUNK_SECONDS)))

    @property
    def send_bytes(self) -> int:
        """What a connection may have waiting for the wire."""
        rate = self.bytes_per_second
        return SEND_BYTES if rate is None else max(SEND_BYTES, int(rate * SEND_SECONDS))

    @property
    def window_bytes(self) -> int:
        """What a connection may have under way, as much as keeps the wire full."""
        if self.bytes_per_second is None:
            return UNLIMITED_WINDOW_BYTES
        return WINDOW_BYTES + int(self.bytes_per_second * self.rtt_seconds)


class Sink(Protocol):
    """Where a flow's bytes arrive."""

    def write(self, data: bytes) -> None: ...

    def waiting_bytes(self) -> int: ...

    def end(self) -> None: ...

    def abort(self) -> None: ...


class Flow:
    """The bytes of one connection in one direction, in their order.

    Args:
        wire: that they share with others.
        pause: called with whether the sender has to wait.

    Attributes:
        not_before: when the first byte may leave, on the loop's clock.
        queued: whether it waits for its turn on the wire.
    """

    def __init__(self, wire: Wire, pause: Callable[[bool], None]) -> None:
        self.not_before = 0.0
        self.queued = False
        self._wire = wire
        self._pause = pause
        self._pending: deque[memoryview] = deque()
        self._pending_bytes = 0
        self._end: Callable[[Sink], None] | None = None
        self._free_at = 0.0
        self._busy = False
        self._under_way: deque[tuple[float, memoryview | Callable[[Sink], None]]] = deque()
        self._under_way_bytes = 0
        self._due = 0.0
        self._sink: Sink | None = None
        self._held_up = False
        self._timer: asyncio.TimerHandle | None = None

    def arrives_at(self, sink: Sink) -> None:
        """The other end is there."""
        self._sink = sink
        self._deliver()

    def send(self, data: bytes) -> None:
        """Bytes from the sender."""
        self._pending.append(memoryview(data))
        self._count_pending(len(data))
        self._wire.wants(self)

    def end(self, *, abort: bool) -> None:
        """Nothing more comes. An abort does not wait for what is still to be sent."""
        if abort:
            self._pending.clear()
            self._count_pending(-self._pending_bytes)
        self._end = _abort if abort else _end
        self._wire.wants(self)

    def hold_up(self, held_up: bool) -> None:
        """Whether the receiver takes no more at present."""
        self._held_up = held_up
        if not held_up:
            self._deliver()
            self._wire.wants(self)

    @property
    def wants(self) -> bool:
        """Whether there is something that may be put on the wire."""
        if not self._pending:
            return self._end is not None
        waiting = 0 if self._sink is None else self._sink.waiting_bytes()
        return self._under_way_bytes + waiting < self._wire.shape.window_bytes

    def may_at(self) -> float:
        """When the connection's own rate, and its set-up, let the next chunk leave."""
        return max(self._free_at, self.not_before)

    def next_bytes(self) -> int:
        """The size of the next chunk; 0 for the end."""
        return min(len(self._pending[0]), self._wire.shape.chunk_bytes) if self._pending else 0

    def leave(self, now: float, finish: float) -> None:
        """The next chunk has left the wire at `finish`; it arrives half a round trip later."""
        shape = self._wire.shape
        sent: memoryview | Callable[[Sink], None]
        if self._pending:
            sent = self._next_chunk()
            rate = shape.connection_bytes_per_second
            if rate is not None:
                begun = self._free_at if self._busy else max(self._free_at, now)
                self._free_at = begun + len(sent) / rate
                finish = max(finish, self._free_at)
            self._busy = bool(self._pending)
        else:
            assert self._end is not None
            sent, self._end = self._end, None
        # A delay that shrinks lets no byte overtake another.
        self._due = max(finish + shape.rtt_seconds / 2, self._due)
        self._under_way.append((self._due, sent))
        self._deliver()

    def _next_chunk(self) -> memoryview:
        size, chunk = self.next_bytes(), self._pending[0]
        if size == len(chunk):
            self._pending.popleft()
        else:
            self._pending[0] = chunk[size:]
        self._under_way_bytes += size
        self._count_pending(-size)
        return chunk[:size]

    def _count_pending(self, change_bytes: int) -> None:
        self._pending_bytes += change_bytes
        self._pause(self._pending_bytes > self._wire.shape.send_bytes)

    def _deliver(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sink is None:
            return
        now = self._wire.now()
        arrived: list[memoryview] = []
        while self._under_way and self._under_way[0][0] <= now and not self._held_up:
            _, sent = self._under_way.popleft()
            if isinstance(sent, memoryview):
                arrived.append(sent)
                self._under_way_bytes -= len(sent)
            else:
                self._write(arrived)
                arrived = []
                sent(self._sink)
        self._write(arrived)
        if self._under_way and not self._held_up:
            self._timer = self._wire.at(self._under_way[0][0], self._deliver)
        if arrived:
            self._wire.wants(self)

    def _write(self, arrived: list[memoryview]) -> None:
        if arrived and self._sink is not None:
            self._sink.write(b"".join(arrived))


class Wire:
    """What all connections of one direction share.

    Args:
        loop: for the time and for timers.
        shape: of the link; may be replaced at any time.

    Attributes:
        sent_bytes: what has left so far.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, shape: Shape) -> None:
        self.shape = shape
        self.sent_bytes = 0
        self._loop = loop
        self._ready: deque[Flow] = deque()
        self._free_at = 0.0
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._pumping = False

    def now(self) -> float:
        """The loop's clock, in seconds."""
        return self._loop.time()

    def at(self, when: float, call: Callable[..., None], *arguments: object) -> asyncio.TimerHandle:
        """Call at a time of that clock."""
        return self._loop.call_at(when, call, *arguments)

    def wants(self, flow: Flow) -> None:
        """A flow may have something to send."""
        if flow.queued or not flow.wants:
            return
        flow.queued = True
        self._ready.append(flow)
        self._pump()

    def _pump(self) -> None:
        if self._timer is not None or self._pumping:
            return
        self._pumping = True
        try:
            self._send_what_may()
        finally:
            self._pumping = False

    def _send_what_may(self) -> None:
        now = self.now()
        while self._ready:
            if self._free_at > now:
                self._busy = True
                self._timer = self.at(self._free_at, self._wake)
                return
            flow = self._ready.popleft()
            flow.queued = False
            if not flow.wants:
                continue
            if flow.may_at() > now:
                flow.queued = True
                self.at(flow.may_at(), self._again, flow)
                continue
            size = flow.next_bytes()
            rate = self.shape.bytes_per_second
            begun = self._free_at if self._busy else max(self._free_at, now)
            self._free_at = begun + size / rate if rate is not None else now
            self.sent_bytes += size
            flow.leave(now, self._free_at)
            if not flow.queued and flow.wants:
                flow.queued = True
                self._ready.append(flow)
        self._busy = False

    def _wake(self) -> None:
        self._timer = None
        self._pump()

    def _again(self, flow: Flow) -> None:
        flow.queued = False
        self.wants(flow)


def _end(sink: Sink) -> None:
    sink.end()


def _abort(sink: Sink) -> None:
    sink.abort()
