"""Which source is being asked at this moment, for whoever waits for the planner.

Owns the note alone, in the context of the thread that plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Asked:
    """The source that is being asked, to be read from another thread; empty for none.

    Attributes:
        allow: told each source before it is asked; what it raises ends the planning.
    """

    allow: Callable[[str], None] = lambda _: None
    source: str = ""


_note: ContextVar[Asked | None] = ContextVar("asked", default=None)


@contextmanager
def noted(note: Asked) -> Iterator[None]:
    """Keep a note, in this context, of the sources that are asked."""
    token = _note.set(note)
    try:
        yield
    finally:
        _note.reset(token)


@contextmanager
def asking(source: str) -> Iterator[None]:
    """A source is asked meanwhile."""
    note = _note.get()
    if note is None:
        yield
        return
    note.allow(source)
    note.source = source
    try:
        yield
    finally:
        note.source = ""
