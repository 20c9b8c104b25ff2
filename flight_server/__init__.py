"""The Arrow Flight SQL server: `with flight_server.serve(config) as server: server.url`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flight_server.config import Config
    from flight_server.server import Server

__all__ = ["serve"]


def serve(config: Config) -> Server:
    """A server of the configured sources, running from here to its `close`.

    Raises:
        ConfigurationError: when a source cannot be made or the address cannot be listened on.
    """
    # Imported on use: what only reads a configuration needs neither engine nor Flight.
    from flight_server.service import open_server

    return open_server(config)
