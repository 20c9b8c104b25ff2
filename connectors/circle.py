"""Which servers a question has come through, so that sources in a circle are noticed.

A server that is a source of one of its own sources would ask itself without end. So each names
itself in what it asks other servers, and refuses a question that has come through it already. Owns
where the names are kept while a question is answered, in the thread that answers it. Must not know
how they travel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from connectors.errors import ConfigurationError

HEADER = "crosswind-through"
"""The header of a call that has the names of the servers, with commas between."""

_servers: ContextVar[tuple[str, ...]] = ContextVar("servers", default=())


def servers() -> tuple[str, ...]:
    """Those that the question has come through, this one last; none where nobody asked."""
    return _servers.get()


@contextmanager
def asked(server: str, through: tuple[str, ...] = ()) -> Iterator[None]:
    """Answer a question, in this thread, as `server`.

    Args:
        server: a name that no other server has.
        through: what `servers` said where it was asked.

    Raises:
        ConfigurationError: the question has come through this server before.
    """
    if server in through:
        raise ConfigurationError(
            "the server would ask itself: it is a source of one of its own sources",
            hint="Take one of them out of the configuration of the other.",
        )
    token = _servers.set((*through, server))
    try:
        yield
    finally:
        _servers.reset(token)
