"""The Arrow Flight SQL server: `with flight_server.serve(config) as server: server.url`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flight_server.config import Config
    from flight_server.server import Server

__all__ = ["serve"]

# What is freed stays mapped for a second, as mimalloc 3 has it, Arrow's allocator; DataFusion's, an
# older one, gives it back after some milliseconds, and asks for it again for the next batch. They
# read this once, when they are loaded, which is after this line (decision 36).
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "1000")  # milliseconds
os.environ.setdefault("MIMALLOC_ARENA_PURGE_MULT", "1")


def serve(config: Config) -> Server:
    """A server of the configured sources, running from here to its `close`.

    Raises:
        ConfigurationError: when a source cannot be made or the address cannot be listened on.
    """
    # Imported on use: what only reads a configuration needs neither engine nor Flight.
    from flight_server.service import open_server

    return open_server(config)
