"""What the engine remembers of files between queries, and when it must forget.

DataFusion 55 keeps footers by a file's path within its store, and takes a file of the same size and
age for the same one. So a file that took another's place with its age (`cp -p`, two writes within
one second of S3's clock) would be read by the old footer, and a file of one store by that of
another that has the same path there. Listings and statistics it keeps by a table's name, too: a
table that is far stays registered for as long as its files are the same, and the engine looks at
them in its outline. Owns the question whether something may have changed. Knows no format.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from connectors.files.listing import Contents, DataFile

if TYPE_CHECKING:
    import datafusion

_LIMITS = {"metadata_cache_limit": "256M", "file_statistics_cache_limit": "64M"}
"""How much the engine may remember of files, by their paths, in a session. Its own limits are a
fifth and a third, which the footers of 2,000 files of 16 columns would push out one by one."""

_LIST_LIMIT = {"list_files_cache_limit": "64M"}
"""And of listings, by the names of tables."""

_CATALOG, _SCHEMA = "crosswind_files", "kept"
"""Where tables stay registered from query to query."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A table that is registered.

    Attributes:
        contents: of the files that are known of it.
        table: the engine's provider.
    """

    contents: Contents
    name: str
    table: Any


@dataclass(slots=True)
class _Seen:
    """What a session was given.

    Attributes:
        files: by path within a store: the store, and the file as it was when it was read.
        tables: by URL, and the texts that are read as views.
        off: two stores have files of one path: nothing is remembered any more.
        roomy: it has room for tables that stay.
    """

    files: dict[str, tuple[str, DataFile]] = field(default_factory=dict)
    tables: dict[tuple[str, frozenset[str]], _Kept] = field(default_factory=dict)
    off: bool = False
    roomy: bool = False
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    registering: threading.Lock = field(default_factory=threading.Lock)


_SESSIONS: WeakKeyDictionary[datafusion.SessionContext, _Seen] = WeakKeyDictionary()
_LOCK = threading.Lock()


def forget_what_changed(
    context: datafusion.SessionContext, store: str, files: Mapping[str, DataFile]
) -> None:
    """Call before files are read in a session.

    Args:
        store: where the files are; two stores may have files of one path.
        files: as they are now, by their paths within the store.
    """
    with _LOCK:
        seen = _SESSIONS.setdefault(context, _Seen())
        if seen.off:
            return
        mixed = hidden = False
        for path, file in files.items():
            of, was = seen.files.get(path, (store, file))
            mixed |= of != store
            hidden |= was.version != file.version and (
                (was.size_bytes, was.modified) == (file.size_bytes, file.modified)
            )
            seen.files[path] = store, file
        if not (mixed or hidden):
            return
        seen.off = mixed  # Both may be read at once, so forgetting in between would not do.
        _forget_tables(context, seen, [url for url, _ in seen.tables])
        for name, limit in _LIMITS.items():
            for value in ("0K",) if seen.off else ("0K", limit):
                _set(context, name, value)


def forget_table(url: str) -> None:
    """Call when a table is gone: no session keeps it any longer."""
    with _LOCK:
        for context, seen in _SESSIONS.items():
            _forget_tables(context, seen, [url])


def _forget_tables(context: datafusion.SessionContext, seen: _Seen, urls: list[str]) -> None:
    for key in [key for key in seen.tables if key[0] in urls]:
        kept = seen.tables.pop(key)
        context.catalog(_CATALOG).schema(_SCHEMA).deregister_table(kept.name)


def register_again(
    context: datafusion.SessionContext,
    name: str,
    url: str,
    contents: Contents,
    views: frozenset[str],
) -> bool:
    """Register a table that was kept as it is; False where it was not, or has changed.

    Args:
        name: for the query.
        url: of the table.
        contents: as they are now; the same object as long as nothing has changed.
        views: its texts that are read as views.
    """
    with _LOCK:
        seen = _SESSIONS.setdefault(context, _Seen())
        kept = None if seen.off else seen.tables.get((url, views))
    if kept is None or kept.contents is not contents:
        return False
    context.register_table(name, kept.table)
    return True


def register_kept(
    context: datafusion.SessionContext,
    name: str,
    url: str,
    contents: Contents,
    views: frozenset[str],
    rows: float | None,
    register: Callable[[str, str], None],
    outlined: Callable[[], Any],
) -> bool:
    """Register a table, and keep it: the engine looks at its outline, and asks for rows only.

    Args:
        name, url, contents, views: see `register_again`.
        rows: in all files, as their footers say.
        register: registers the files below a URL under a name.
        outlined: a context with the folder that holds the table's outline, or None.

    Returns:
        False where nothing was done: the engine must look for itself.
    """
    with _LOCK:
        seen = _SESSIONS.setdefault(context, _Seen())
    with seen.registering:
        if seen.off:
            return False
        _make_room(context, seen)
        kept = seen.tables.get((url, views))
        if kept is None or kept.contents is not contents:
            kept = _kept_anew(context, seen, url, contents, views, rows, register, outlined)
            if kept is None:
                return False
        context.register_table(name, kept.table)
    return True


def _kept_anew(
    context: datafusion.SessionContext,
    seen: _Seen,
    url: str,
    contents: Contents,
    views: frozenset[str],
    rows: float | None,
    register: Callable[[str, str], None],
    outlined: Callable[[], Any],
) -> _Kept | None:
    from datafusion.object_store import LocalFileSystem

    schema = context.catalog(_CATALOG).schema(_SCHEMA)
    old = seen.tables.pop((url, views), None)
    if old is not None:
        schema.deregister_table(old.name)
    table = f"t{next(seen.numbers)}"
    full, scheme = f"{_CATALOG}.{_SCHEMA}.{table}", f"outline-{table}"
    with outlined() as folder:
        if folder is None:
            return None
        context.register_object_store(f"{scheme}://", LocalFileSystem(str(folder)), "here")
        try:
            path = url.partition("://")[2].partition("/")[2]
            register(full, f"{scheme}://here/{path}")
            # By the footers alone. Another number: it saw other files there than there are.
            if context.table(full).count() != rows:
                return None
        except Exception:
            # An end that cannot be read: reading the file itself says best what is wrong with it.
            return None
        finally:
            schema.deregister_table(table)
            context.deregister_object_store(f"{scheme}://", "here")
    # The same name, so that what was remembered is the table's.
    register(full, url)
    kept = seen.tables[url, views] = _Kept(contents, table, schema.table(table))
    return kept


def _make_room(context: datafusion.SessionContext, seen: _Seen) -> None:
    """For tables that stay registered; once in a session."""
    if seen.roomy:
        return
    from datafusion.catalog import Catalog, Schema

    for name, limit in (_LIMITS | _LIST_LIMIT).items():
        _set(context, name, limit)
    context.register_catalog_provider(_CATALOG, Catalog.memory_catalog())
    context.catalog(_CATALOG).register_schema(_SCHEMA, Schema.memory_schema())
    seen.roomy = True


def _set(context: datafusion.SessionContext, name: str, value: str) -> None:
    context.sql(f"SET datafusion.runtime.{name} = '{value}'")
