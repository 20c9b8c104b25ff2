"""Lets clients with a user name and a password in: this version authenticates nobody.

Owns the Handshake, which fails without a handler, and its reply, without which ADBC and JDBC fail.
"""

from __future__ import annotations

from typing import Any

import pyarrow.flight as fl

_TOKEN = {"authorization": "Bearer anonymous"}


class OpenDoor(fl.ServerAuthHandler):  # type: ignore[misc]
    """Accepts every Handshake and every call."""

    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        """Accept whatever is sent; the credentials are not even read."""

    # Whatever the token, which nobody checks: the caller is nobody in particular, b"". Called for
    # each call, so no Python function.
    is_valid = b"".strip


class HandshakeReply(fl.ServerMiddleware):  # type: ignore[misc]
    """Answers a Handshake with the token that the client then sends with every call."""

    def sending_headers(self) -> dict[str, str]:
        """The token, which stands for nobody in particular."""
        return _TOKEN

    def call_completed(self, exception: Any) -> None:
        """Nothing to free."""
