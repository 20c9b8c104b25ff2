"""Which clients of a store an engine's sessions have.

A client has connections and tokens of its own: a query must not make a new one. Owns who was given
what. Must not know any store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import datafusion


class Introduced:
    """The clients of one source, by session and host.

    Args:
        scheme: of the URLs by which the engine knows the source's files.
    """

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._known: WeakKeyDictionary[datafusion.SessionContext, dict[str, Hashable]] = (
            WeakKeyDictionary()
        )
        self._lock = threading.Lock()

    def once(
        self,
        context: datafusion.SessionContext,
        host: str,
        access: Hashable,
        client: Callable[[], Any],
    ) -> None:
        """Give a session a client for a host, unless it has one.

        Args:
            access: what the client is made of: for another one it is made anew.
            client: makes it.
        """
        with self._lock:
            known = self._known.setdefault(context, {})
            if host in known and known[host] == access:
                return
            context.register_object_store(f"{self._scheme}://", client(), host)
            known[host] = access
