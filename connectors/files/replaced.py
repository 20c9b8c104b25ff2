"""Whether files that were read are still those that were listed before.

The engine reads a file in parts, none of which says of which version it is: of a file that another
one took the place of meanwhile, it reads parts of both. Owns the second look, after the last part.
Must not know who reads.
"""

from __future__ import annotations

import time

from connectors.contract import TableName
from connectors.errors import SourceRejectedError, SourceUnavailableError
from connectors.files import listing
from connectors.files.listing import Contents, DataFile, Entry
from connectors.files.location import Location

MOST_FILES = 1_000
"""That are looked at again: of S3 a page of a listing, and of a disk some milliseconds."""

SHORT_SECONDS = 5.0
"""A run over files that are far is looked after when it took longer: one that asks the store three
questions should not ask a fourth. A plan may be by what is as old."""

_GROWING = ("csv", "json")
"""Formats that are written to at their end."""


def refuse_replaced(
    location: Location, table: TableName, entry: Entry, read: Contents, begun: float
) -> None:
    """Look again at the files of a table that was read.

    Rows that are added to the end of a text change nothing of what was read before them. A file
    that has gone by now was there while it was read, or the reader said so.

    Args:
        read: the files, as they were looked at when the run began.
        begun: when that was, on the clock of `time.monotonic`.

    Raises:
        SourceUnavailableError: when one of them is another one now.
        SourceError: when they cannot be looked at.
    """
    if len(read.files) > MOST_FILES:
        return
    if not location.near and time.monotonic() - begun < SHORT_SECONDS:
        return
    with location.reading(entry.path):
        now = _now(location, entry, read)
    for file in read.files:
        found = now.get(file.path, file)
        if found.version != file.version and not _same(file, found, read.format in _GROWING):
            raise SourceUnavailableError(
                f"file {location.relative(file.path)!r} of table {table} was replaced while it was"
                " read",
                source=location.source,
                hint="Run the query again.",
            )


def _same(before: DataFile, now: DataFile, growing: bool) -> bool:
    """Whether it is one file, which was written to at its end, or got other rights or names.

    That takes a number that the file system gives it: what stores call by one name is another
    object each time.
    """
    if before.inode is None or before.inode != now.inode:
        return False
    if (now.size_bytes, now.modified) == (before.size_bytes, before.modified):
        return True
    return growing and (now.size_bytes or 0) > (before.size_bytes or 0)


def _now(location: Location, entry: Entry, read: Contents) -> dict[str, DataFile]:
    """Those that are there, by their paths."""
    if not location.near:
        try:
            return {file.path: file for file in listing.contents(location, entry).files}
        except (FileNotFoundError, SourceRejectedError):
            # With what joined them since, they may be no table any more.
            return {}
    found = {}
    for file in read.files:
        try:
            found[file.path] = listing.data_file(location.look(file.path), file.partition)
        except FileNotFoundError:
            continue
    return found
