"""Keeps gRPC's threads attached to the interpreter from one call to the next.

A thread that Python did not start is attached when it enters Python and detached when it leaves,
three times in each call and once for each batch. Each time memory for its frames is mapped, touched
and unmapped, which takes a small call a tenth of the server's time. A thread that has entered once
more than it left stays attached; it leaves when it ends. Owns that one entry, and who is still to
leave. Where the C library does not tell a thread's end it does nothing.

What a handler sets for its thread or in its context, the thread's next call finds there: whatever
is of one call must be taken back, as `connectors.circle.asked` does.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

_KEEPS_LOCK = 0
"""PyGILState_LOCKED: who leaves had the interpreter's lock before, and keeps it."""

_POLL_SECONDS = 0.001

_api = ctypes.pythonapi
_enter = ctypes.PYFUNCTYPE(ctypes.c_int)(("PyGILState_Ensure", _api))
_leave = ctypes.PYFUNCTYPE(None, ctypes.c_int)(("PyGILState_Release", _api))
_current = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_Get", _api))
_id_of = ctypes.PYFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(("PyThreadState_GetID", _api))


class AttachedThreads:
    """The threads of one server that stay attached until they end; for any of its threads."""

    def __init__(self) -> None:
        self._local = threading.local()

    def stay(self) -> None:
        """Keep the calling thread, which Python did not start, attached. Idempotent."""
        if not hasattr(self._local, "stays"):
            self._local.stays = True
            if _at_end is not None:
                _stay(self, _at_end)

    def all_left(self, seconds: float) -> bool:
        """Whether those that end have left, for which they need the interpreter's lock, in time.

        Whoever waits with that lock for the end of a thread that has not left waits for ever.
        """
        until = time.monotonic() + seconds
        while any(whose is self for whose, _ in list(_attached.values())):
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
        return True


_numbers = itertools.count(1)

_attached: dict[int, tuple[AttachedThreads, int]] = {}
"""Of each thread that stays attached, by a number of its own, whose it is, and its state's id."""


def _stay(whose: AttachedThreads, at_end: Callable[[Any, int], int]) -> None:
    number = next(_numbers)
    _attached[number] = (whose, _id_of(_current()))
    # What is registered last is called first.
    if at_end(_has_left, number):
        del _attached[number]
    elif not at_end(_detach, number):
        _enter()


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _detach(number: int) -> None:
    """Leave for the first time, in a thread that ends; the caller of this leaves for the last.

    With the state go the thread's own values, whose ends may be Python, and give up the lock.
    """
    # A thread of Python's own has left already, and has a new state for this.
    if _attached[number][1] == _id_of(_current()):
        _leave(_KEEPS_LOCK)


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _has_left(number: int) -> None:
    """Say so, in the same thread, with a state that is new and goes with nothing in it.

    Nothing is called after the deletion, so nothing takes the lock away: whoever sees it may wait
    for the thread's end with that lock.
    """
    del _attached[number]


def _thread_ends() -> Callable[[Any, int], int] | None:
    """What has a function called with a number when the calling thread ends, where there is such.

    It returns another number than 0 where it could not.
    """
    try:
        at_end = ctypes.CDLL(None)["__cxa_thread_atexit_impl"]
    except (AttributeError, OSError, TypeError):
        return None
    at_end.argtypes = (type(_detach), ctypes.c_void_p, ctypes.c_void_p)
    # The library that is to stay loaded until then: the C library itself.
    library = ctypes.cast(at_end, ctypes.c_void_p)
    return lambda call, number: int(at_end(call, number, library))


_at_end = _thread_ends()
