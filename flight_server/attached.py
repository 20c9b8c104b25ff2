"""Keeps gRPC's threads attached to the interpreter from one call to the next.

A thread that Python did not start is attached when it enters Python and detached when it leaves,
three times in each call and once for each batch. Each time memory for its frames is mapped, touched
and unmapped, which takes a small call a tenth of the server's time. A thread that has entered once
more than it left stays attached; it leaves when it ends. Owns that one entry, and who is still to
leave. Where the C library does not tell a thread's end it does nothing.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
import time
from collections.abc import Callable

_KEEPS_LOCK = 0
"""PyGILState_LOCKED: who leaves had the interpreter's lock before, and keeps it."""

_POLL_SECONDS = 0.001

_enter = ctypes.PYFUNCTYPE(ctypes.c_int)(("PyGILState_Ensure", ctypes.pythonapi))
_leave = ctypes.PYFUNCTYPE(None, ctypes.c_int)(("PyGILState_Release", ctypes.pythonapi))
_state = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_Get", ctypes.pythonapi))


class AttachedThreads:
    """The threads of one server that stay attached until they end; for any of its threads."""

    def __init__(self) -> None:
        self._local = threading.local()

    def stay(self) -> None:
        """Keep the calling thread, which Python did not start, attached. Idempotent."""
        if hasattr(self._local, "stays"):
            return
        self._local.stays = True
        if _at_end is not None:
            number = next(_numbers)
            _attached[number] = (self, _state())
            _at_end(number)
            _enter()

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
"""Of each thread that stays attached, by a number of its own, whose it is, and its state."""


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _detach(number: int) -> None:
    """Leave for the first time, in a thread that ends; the caller of this leaves for the last."""
    # A thread of Python's own has left already, and has a new state for this.
    if _attached[number][1] == _state():
        _leave(_KEEPS_LOCK)
    # Nothing is called after this, so nothing interrupts it: whoever sees that it has left may wait
    # for its end with the interpreter's lock.
    del _attached[number]


def _thread_ends() -> Callable[[int], object] | None:
    """Has `_detach` called with a number when the calling thread ends, where that can be."""
    try:
        at_end = ctypes.CDLL(None)["__cxa_thread_atexit_impl"]
    except (AttributeError, OSError, TypeError):
        return None
    at_end.argtypes = (type(_detach), ctypes.c_void_p, ctypes.c_void_p)
    # The library that is to stay loaded until then: the C library itself.
    library = ctypes.cast(at_end, ctypes.c_void_p)
    return lambda number: at_end(_detach, number, library)


_at_end = _thread_ends()
