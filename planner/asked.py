"""Which source is being asked at this moment, and about what, for whoever waits for the planner.

Owns the note alone, in the context of the thread that plans, and that an error says what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from connectors.errors import QueueFullError, SourceError


@dataclass(slots=True)
class Asked:
    """The source that is being asked, to be read from another thread; empty for none.

    Attributes:
        table: of it, about which it is asked; empty where it is about all of them.
        allow: told each source before it is asked; what it raises ends the planning.
    """

    allow: Callable[[str], None] = lambda _: None
    source: str = ""
    table: str = ""


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
def asking(source: str, table: str = "") -> Iterator[None]:
    """A source is asked meanwhile, about a table of its or about all of them."""
    note = _note.get() or Asked()
    try:
        note.allow(source)
        note.source, note.table = source, table
        yield
    except (SourceError, QueueFullError) as error:
        if table:
            error.while_reading((table,))
        raise
    finally:
        note.source = note.table = ""
