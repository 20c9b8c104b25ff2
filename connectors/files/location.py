"""Where a source's files are: the root, its file system, and who can read it.

Owns the connection to the file system and the hiding of its secrets. Must not know formats or
tables. No path here is assumed to be a local one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.parse import unquote

import fsspec
import pyarrow as pa
from fsspec.core import split_protocol, url_to_fs
from pyarrow.fs import FileSystem, FSSpecHandler, LocalFileSystem, PyFileSystem

from connectors.errors import (
    ConfigurationError,
    CrosswindError,
    SourceRejectedError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from connectors.files import azure, gcs, http, s3
from connectors.files.outlines import Outlines

if TYPE_CHECKING:
    import datafusion

HIDDEN = "***"

_CONTENTS = re.compile(
    "thrift|[Tt]runcated|[Cc]orrupt|[Ff]latbuffer|inflate failed|decompress failed"
)

_HERE = (None, "file", "local", "memory")
"""Protocols of what is on this machine; None where a root names none."""

_REFUSED = re.compile("AWS Error (?:ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH)")


@runtime_checkable
class Store(Protocol):
    """A file system that the engine, or Arrow, read by themselves.

    Attributes:
        native: the engine reads it, too.
    """

    native: bool

    def uri(self, path: str) -> str:
        """The URL by which the engine knows a path of the file system."""
        ...

    def within(self, path: str) -> str:
        """What of that URL tells the path from others of its host."""
        ...

    def arrow(self) -> FileSystem | None:
        """Arrow's own implementation of it, which spares the way through Python; if it has one."""
        ...

    def introduce(self, context: datafusion.SessionContext, path: str) -> None:
        """Make what is needed to read `path` known to an engine's session."""
        ...


@runtime_checkable
class ObjectStore(Store, Protocol):
    """A store that other readers of Rust's `object_store` are told of."""

    def object_url(self, path: str) -> str:
        """The URL that readers of Rust's `object_store` take for `path`."""
        ...

    def object_store_options(self) -> dict[str, str]:
        """What those take to reach it: credentials are in it."""
        ...


class _LocalStore:
    native = True

    def uri(self, path: str) -> str:
        # A URL rather than a path: in a path the engine reads `*`, `?` and `[` as a pattern.
        return Path(path).as_uri()

    def within(self, path: str) -> str:
        return path.lstrip("/")

    def arrow(self) -> FileSystem:
        return LocalFileSystem()

    def introduce(self, context: datafusion.SessionContext, path: str) -> None:
        """Every session knows the local disk."""

    def object_url(self, path: str) -> str:
        return path

    def object_store_options(self) -> dict[str, str]:
        return {}


class _Uncached(FSSpecHandler):  # type: ignore[misc]
    """fsspec for Arrow, which reads here and there in a file, and knows what it needs.

    fsspec would fetch what follows each piece, and keep that.
    """

    def open_input_file(self, path: str) -> pa.NativeFile:
        try:
            file = self.fs.open(path, mode="rb", cache_type="none")
        except TypeError:  # A file system whose files are not fsspec's own.
            file = self.fs.open(path, mode="rb")
        return pa.PythonFile(file, mode="r")


class Location:
    """A root below which files lie. Connects when first asked for its file system.

    Attributes:
        protocol: fsspec's name of the file system.
        local: it is this machine's disk.
        near: nothing travels to look at a file.
        lists: folders can be listed.
        store: how it is read without fsspec; None where only fsspec reads it.
        outlines: of what the engine reads from afar; None where it does not.
    """

    def __init__(self, source: str, root: str, storage_options: Mapping[str, object]) -> None:
        self.source = source
        self._root = root
        self._storage_options = storage_options
        self.protocol: str = split_protocol(root.partition("::")[0])[0] or "file"
        if "::" in root and "://" not in root.partition("::")[0]:
            self.protocol = root.partition("::")[0]
        self.local = self.protocol in ("file", "local")
        self.near = self.local or self.protocol == "memory"
        self.lists = self.protocol not in http.PROTOCOLS or "::" in root
        self.store = self._store()
        self.outlines = Outlines(self.within_store) if self.native and not self.near else None
        self._secrets = sorted(_secrets(root, storage_options), key=len, reverse=True)
        self._lock = threading.Lock()
        self._opened: tuple[Any, str] | None = None

    @property
    def shown(self) -> str:
        """The root without what is secret in it."""
        if self.local:
            return (
                f"{self.protocol}://{Path(self._root.partition('://')[2] or self._root).absolute()}"
            )
        return self.redact(self._root)

    @property
    def filesystem(self) -> Any:
        """The fsspec file system; connects the first time."""
        return self._open()[0]

    @property
    def root(self) -> str:
        """The root as a path of the file system; connects the first time."""
        return self._open()[1]

    @property
    def arrow(self) -> FileSystem:
        """The file system for Arrow's readers."""
        own = self.store.arrow() if self.store else None
        return own or PyFileSystem(_Uncached(self.filesystem))

    @property
    def arrows_own(self) -> bool:
        """It is far, and Arrow has a client of its own that reaches it as the engine does."""
        return isinstance(self.store, s3.S3Store) and self.store.arrow_reaches

    def uri(self, path: str, *, folder: bool = False) -> str:
        """The URL by which the engine reads `path`; only where there is a `store`."""
        if self.store is None or not self.store.native:
            raise ValueError(f"the engine does not read {self.protocol}")
        return self.store.uri(path) + ("/" if folder else "")

    def within_store(self, path: str) -> str:
        """`path` as the engine knows it among those of one store."""
        return path if self.store is None else self.store.within(path)

    @property
    def native(self) -> bool:
        """Whether the engine reads these files by itself."""
        return self.store is not None and self.store.native

    def introduce(self, context: datafusion.SessionContext, path: str) -> None:
        """Make what is needed to read `path` known to an engine's session."""
        if self.store is not None:
            self.store.introduce(context, path)

    def object_url(self, path: str) -> str:
        """The URL that readers of Rust's `object_store` take; only where there is a `store`."""
        if not isinstance(self.store, ObjectStore):
            raise ValueError(f"{self.protocol} has no object store")
        return self.store.object_url(path)

    def object_store_options(self) -> dict[str, str]:
        """What those take to reach it: credentials are in it."""
        return self.store.object_store_options() if isinstance(self.store, ObjectStore) else {}

    def look(self, path: str) -> Mapping[str, Any]:
        """What the file system says of a file, asked now; raises FileNotFoundError and others."""
        info: Mapping[str, Any] = (
            self.filesystem.info(path) if self.lists else http.look(self.filesystem, path)
        )
        return info

    def relative(self, path: str) -> str:
        """`path` as people know it: below the root."""
        root = self.root.rstrip("/") + "/"
        return self.redact(path.removeprefix(root).lstrip("/") or path)

    def redact(self, text: str) -> str:
        """`text` with every secret of this location masked."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    @contextmanager
    def reading(self, path: str | None = None) -> Iterator[None]:
        """Whatever goes wrong inside is a SourceError that names the source and the file."""
        try:
            yield
        except CrosswindError:
            raise
        except Exception as error:
            # `from None`: a driver's own message may quote the credentials that it was given.
            raise self._translated(error, path) from None

    def _translated(self, error: Exception, path: str | None) -> CrosswindError:
        what = repr(self.relative(path)) if path is not None else f"root {self.shown!r}"
        reason = self.redact(reason_of(error))
        match error:
            case FileNotFoundError() | NotADirectoryError():
                return SourceUnavailableError(f"{what} does not exist", source=self.source)
            case PermissionError():
                return SourceRejectedError(f"{what} may not be read", source=self.source)
            case _ if _status(error) in (401, 403) or _REFUSED.search(str(error)):
                message = f"{what} may not be read: {reason}"
                return SourceRejectedError(message, source=self.source)
            case TimeoutError():
                return SourceTimeoutError(f"{what}: no answer in time", source=self.source)
            case (
                pa.ArrowException()
                | UnicodeError()
                | NotImplementedError()
                | UnsupportedOperation()
            ):
                return SourceRejectedError(f"{what} cannot be read: {reason}", source=self.source)
            # Clients of FTP and SSH say so, too, of a connection that was lost.
            case EOFError() if split_protocol(self._root.rpartition("::")[2])[0] in _HERE:
                return SourceRejectedError(f"{what} cannot be read: {reason}", source=self.source)
            # Arrow says so of contents that are broken, as it does of a disk that is.
            case OSError() if error.errno is None and _CONTENTS.search(str(error)):
                return SourceRejectedError(f"{what} cannot be read: {reason}", source=self.source)
            case _:
                message = f"{what} cannot be read: {reason}"
                return SourceUnavailableError(message, source=self.source)

    def _store(self) -> Store | None:
        if self.local:
            return _LocalStore()
        if self.protocol in s3.PROTOCOLS and "::" not in self._root:
            store = s3.S3Store(self.source, lambda: self.filesystem, self._storage_options)
            return store if store.arrow_reads else None
        if "::" in self._root:
            return None
        if self.protocol in http.PROTOCOLS:
            return http.HttpStore(self._root, self._storage_options)
        if self.protocol in gcs.PROTOCOLS:
            return gcs.GcsStore(self.source, self._storage_options)
        if self.protocol in azure.PROTOCOLS:
            return azure.AzureStore(self.source, self._root, self._storage_options)
        return None

    def _open(self) -> tuple[Any, str]:
        with self._lock:
            if self._opened is None:
                self._opened = self._connected()
            return self._opened

    def _connected(self) -> tuple[Any, str]:
        try:
            fsspec.get_filesystem_class(self.protocol)
        except (ImportError, ValueError) as error:
            message = f"root {self.shown!r} cannot be used: {error}"
            raise ConfigurationError(message, source=self.source) from None
        try:
            filesystem, path = url_to_fs(self._root, **self._storage_options)
        except Exception as error:
            message = f"root {self.shown!r} cannot be opened: {self.redact(reason_of(error))}"
            raise SourceUnavailableError(message, source=self.source) from None
        return filesystem, path


def _status(error: Exception) -> object:
    """The status of an answer over HTTP, as the clients of Azure, Google or aiohttp note it."""
    names = ("status_code", "status", "code")
    return next((getattr(error, name) for name in names if hasattr(error, name)), None)


def reason_of(error: Exception) -> str:
    """One line of what a reader said, without the paths and rows of data that Arrow quotes, and
    without the frames of a native stack."""
    text = " ".join(str(error).split())
    text = re.sub(r" 0: (?:<unknown>|\S+ at ) ?.*", "", text)
    # Python's own readers of archives and compressed files say no more than that.
    if isinstance(error, EOFError) and not text:
        return "it ends before it should: it was cut off, is still being written, or was lost"
    text = re.sub(
        r"^(?:Error creating dataset\. )?Could not (?:open|read) .*?': (?:\w+: )?", "", text
    )
    text = re.sub(r"((?:Row #\d+: )?Expected \d+ columns, got \d+).*", r"\1", text)
    if text and not isinstance(error, pa.ArrowException | OSError | ValueError):
        text = f"{type(error).__name__}: {text}"
    return text[:300] or type(error).__name__


def _secrets(root: str, storage_options: Mapping[str, object]) -> set[str]:
    """Passwords in the root, and the texts in the options: which of them is one is not known, but
    for those that say where a store is."""
    in_root = re.findall(r"://[^:/?#@\s]*:([^\s]*)@", root)
    in_root += re.findall(r"^https?://[^?]*\?(.+)", root)  # A signed URL's signature.
    found = [*in_root, *map(unquote, in_root), *_texts(storage_options)]
    # Azure's come in a text with others, of which its client may quote one.
    within = "(?:AccountKey|SharedAccessSignature|sig)=([^;&\\s]+)"
    found += [secret for text in found for secret in re.findall(within, text)]
    return {text for text in found if len(text) >= 4}  # Shorter ones would mask half a message.


_OPEN = frozenset({"endpoint", "endpoint_url", "region", "region_name"})
"""Options that hold no secret, but for a login or a signature within a URL."""


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in _OPEN or (isinstance(inner, str) and re.search("[@?]", inner)):
                yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
