"""The process of an emulated link: a TCP proxy that carries bytes as a link of a given shape would.

Owns the sockets, and the lines by which its parent changes the link and asks what has crossed it.
`python -m benchmarks.links.proxy TARGET`, where TARGET is HOST:PORT or the path of a socket: each
line of standard input is a JSON object, `{"rtt_ms": 20, "mbps": 100, "connection_mbps": null}` or a
part of it, and is answered by one with the counters. It ends when standard input does.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import cast

from benchmarks.links.wire import Flow, Shape, Wire

SOCKET_BYTES = 524_288
"""What the kernel keeps of a connection that the wire holds up; so much stays at the sender."""


class _Turns:
    """How often a client has asked: has sent something after it had received something."""

    def __init__(self) -> None:
        self.count = 0
        self._answered = True

    def asked(self) -> None:
        self.count += self._answered
        self._answered = False

    def answered(self) -> None:
        self._answered = True


class _End(asyncio.Protocol):
    """One socket: what it receives goes into a flow, and another flow arrives at it.

    Args:
        spoke: called whenever the socket has sent something.
    """

    def __init__(self, out: Flow, into: Flow, spoke: Callable[[], None]) -> None:
        self._out = out
        self._into = into
        self._spoke = spoke
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._received_end = False
        self._sent_end = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._pause(self._paused)
        self._into.arrives_at(self)

    def data_received(self, data: bytes) -> None:
        self._spoke()
        self._out.send(data)

    def eof_received(self) -> bool:
        self._received_end = True
        self._out.end(abort=False)
        self._close_when_done()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if exc is not None or not self._received_end:
            self._out.end(abort=True)

    def pause_writing(self) -> None:
        self._into.hold_up(True)

    def resume_writing(self) -> None:
        self._into.hold_up(False)

    def pause(self, paused: bool) -> None:
        """The wire takes no more at present, or does again."""
        if paused != self._paused:
            self._paused = paused
            self._pause(paused)

    def _pause(self, paused: bool) -> None:
        if self._transport is None or self._transport.is_closing() or self._received_end:
            return
        if paused:
            self._transport.pause_reading()
        elif not self._transport.is_reading():
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def waiting_bytes(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def end(self) -> None:
        self._sent_end = True
        if self._transport is not None and not self._transport.is_closing():
            # It may be gone, which the loop has not looked at yet.
            with suppress(OSError):
                self._transport.write_eof()
            self._close_when_done()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _close_when_done(self) -> None:
        if self._received_end and self._sent_end and self._transport is not None:
            self._transport.close()


class Proxy:
    """A listening socket, and the two wires of its link.

    Args:
        target: where connections go: HOST:PORT, or the path of a socket.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, target: str) -> None:
        self._loop = loop
        self._target = target
        self._shape = Shape()
        self._up, self._down = Wire(loop, self._shape), Wire(loop, self._shape)
        self._connections: list[_Turns] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> int:
        """Start; the port."""
        listening = _tcp_socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
        listening.bind(("127.0.0.1", 0))
        await self._loop.create_server(self._accepted, sock=listening, backlog=512)
        return int(listening.getsockname()[1])

    def _accepted(self) -> _End:
        """One connection: its set-up takes a round trip before the client's first byte leaves."""
        turns = _Turns()
        self._connections.append(turns)
        up = Flow(self._up, lambda paused: near.pause(paused))
        down = Flow(self._down, lambda paused: far.pause(paused))
        near, far = _End(up, down, turns.asked), _End(down, up, turns.answered)
        now = self._loop.time()
        up.not_before = now + self._shape.rtt_seconds
        down.not_before = now + self._shape.rtt_seconds / 2
        task = self._loop.create_task(self._connect(far, down))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return near

    async def _connect(self, far: _End, down: Flow) -> None:
        await asyncio.sleep(self._shape.rtt_seconds / 2)
        try:
            if self._target.startswith("/"):
                await self._loop.create_unix_connection(lambda: far, self._target)
                return
            host, _, port = self._target.rpartition(":")
            reaching = _tcp_socket()
            reaching.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
            reaching.setblocking(False)
            await self._loop.sock_connect(reaching, (host, int(port)))
            await self._loop.create_connection(lambda: far, sock=reaching)
        except OSError:
            down.end(abort=True)

    def command(self, line: str) -> str:
        """One line of the parent's; the answer."""
        wanted = json.loads(line)
        if "rtt_ms" in wanted:
            self._shape = replace(self._shape, rtt_seconds=wanted["rtt_ms"] / 1e3)
        if "mbps" in wanted:
            self._shape = replace(self._shape, bytes_per_second=_bytes(wanted["mbps"]))
        if "connection_mbps" in wanted:
            rate = _bytes(wanted["connection_mbps"])
            self._shape = replace(self._shape, connection_bytes_per_second=rate)
        self._up.shape = self._down.shape = self._shape
        return json.dumps(
            {
                "up_bytes": self._up.sent_bytes,
                "down_bytes": self._down.sent_bytes,
                "connections": len(self._connections),
                "turns": sum(each.count for each in self._connections),
            }
        )


def _tcp_socket() -> socket.socket:
    """One whose connections the loop sends from at once: it looks at the protocol's number.

    Nagle's algorithm and delayed acknowledgements would add 40 ms to the end of an answer.
    """
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)


def _bytes(mbps: float | None) -> float | None:
    return None if mbps is None else mbps * 1e6 / 8


def main(target: str) -> None:
    """Carry bytes until standard input ends."""
    # `select` takes microseconds, where `epoll` rounds every wait up to a millisecond.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    proxy = Proxy(loop, target)
    print(loop.run_until_complete(proxy.listen()), flush=True)

    def commands() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lambda text: print(proxy.command(text), flush=True), line)
        loop.call_soon_threadsafe(loop.stop)

    threading.Thread(target=commands, daemon=True).start()
    loop.run_forever()


if __name__ == "__main__":
    main(sys.argv[1])
