"""Ends the connections of clients that neither read nor leave, when the server closes.

Owns that one act. A handler that waits for such a client to read cannot be woken through
pyarrow.flight, and would keep the process from ending. Linux only; elsewhere it does nothing.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

_OPEN_FILES = Path("/proc/self/fd")


def drop_connections(port: int) -> int:
    """Shut down every connection of this process that was accepted on a port; how many."""
    if not _OPEN_FILES.is_dir():
        return 0
    dropped = 0
    for entry in list(_OPEN_FILES.iterdir()):
        with contextlib.suppress(OSError):
            connection = socket.socket(fileno=int(entry.name))
            try:
                is_tcp = connection.family in (socket.AF_INET, socket.AF_INET6)
                if is_tcp and connection.getsockname()[1] == port and connection.getpeername():
                    connection.shutdown(socket.SHUT_RDWR)
                    dropped += 1
            finally:
                connection.detach()  # the descriptor is gRPC's, which closes it
    return dropped
