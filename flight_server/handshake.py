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

    def is_valid(self, token: bytes) -> bytes:  # noqa: ARG002
        """Every caller is nobody in particular."""
        return b""


class HandshakeReplies(fl.ServerMiddlewareFactory):  # type: ignore[misc]
    """Answers a Handshake with the token that the client then sends with every call."""

    def start_call(self, info: Any, headers: Any) -> Any:  # noqa: ARG002
        """Only a Handshake gets a reply."""
        return _Reply() if info.method == fl.FlightMethod.HANDSHAKE else None


class _Reply(fl.ServerMiddleware):  # type: ignore[misc]
    def sending_headers(self) -> dict[str, str]:
        return _TOKEN

    def call_completed(self, exception: Any) -> None:
        """Nothing to free."""
