"""How the tables of an Iceberg source are reached: by a catalog, or by their metadata files.

Owns the connection to the catalog, what its errors and those of files mean, and the hiding of
secrets. Must not know what is in a table.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, unquote_plus

import pyarrow as pa
import pyiceberg.exceptions as iceberg
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.table import StaticTable, Table

from connectors.contract import TableName
from connectors.errors import (
    CrosswindError,
    SourceRejectedError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from connectors.files.location import HIDDEN
from connectors.iceberg.options import IcebergOptions

_OPEN = frozenset(
    ("type", "uri", "warehouse", "prefix", "scope", "audience", "resource", "catalog-name")
)
"""Properties whose values are no secrets, but for the login and the parameters of a URL."""

_OPEN_ENDS = ("endpoint", "region", "-impl", "-type", "-enabled", "-ms", "timeout")

# Identities are compared within one process only: a digest seen in a log tells nothing.
_IDENTITY_KEY = secrets.token_bytes(32)

_LOGIN = re.compile(
    r"(?P<scheme>[\w+.-]*)://(?P<login>(?!\[)(?P<user>[^:/?#@\s]*)(?::(?P<password>"
    # A password may hold what ought to be escaped; what looks like a port is none.
    r"[^/?#\s]*(?=@)|(?!\d+[/?#])(?:[^?\s]*(?=@)|[^\s]*(?=@))"
    r"))?)@"
)

_CONTAINERS = re.compile(r"(abfs|wasb)s?", re.IGNORECASE)
"""Schemes that have a container where others have a user."""

_ABSENT = (
    iceberg.NoSuchTableError,
    iceberg.NoSuchNamespaceError,
    iceberg.NoSuchIcebergTableError,
)

_REFUSED = (
    iceberg.UnauthorizedError,
    iceberg.ForbiddenError,
    iceberg.AuthorizationExpiredError,
    iceberg.BadRequestError,
    iceberg.OAuthError,
    iceberg.ValidationError,
    iceberg.NotInstalledError,
    pa.ArrowInvalid,
    pa.ArrowNotImplementedError,
    pa.ArrowTypeError,
    PermissionError,
    NotImplementedError,
    ValueError,
    TypeError,
    KeyError,
)


class Access:
    """The tables by name. Connects when first asked; any thread may ask.

    Attributes:
        source: its configured name.
        near: nothing travels to look at a table.
    """

    def __init__(self, source: str, options: IcebergOptions) -> None:
        self.source = source
        self._options = options
        self._secrets = sorted(_secrets(options), key=len, reverse=True)
        self._lock = threading.Lock()
        self._opened: Catalog | None = None
        at = options.tables.values() or (
            options.properties.get("uri", "unknown:"),
            options.properties.get("warehouse", ""),
        )
        self.near = all(_is_local(location) for location in at)

    @property
    def shown(self) -> str:
        """Where the tables are, with nothing secret in it."""
        if self._options.tables:
            return ", ".join(self._place(at) for at in sorted(self._options.tables.values()))
        properties = self._options.properties
        at = [properties[key] for key in ("uri", "warehouse", "prefix") if key in properties]
        return " ".join([*map(self._place, at), self.redact(self._options.catalog)])

    @property
    def identity(self) -> str:
        """Where the tables are, and a keyed digest, which differs by process, of all of it."""
        options = self._options
        kept = (options.catalog, sorted(options.properties.items()), sorted(options.tables.items()))
        digest = hmac.new(_IDENTITY_KEY, repr(kept).encode(), hashlib.sha256).hexdigest()[:16]
        return f"{self.shown}#{digest}"

    def names(self) -> Sequence[TableName]:
        """Every table, sorted.

        Raises:
            SourceError: when the catalog cannot be asked.
        """
        if self._options.tables:
            schema = self._options.default_schema
            return sorted(TableName(schema, name) for name in self._options.tables)
        with self.reading():
            catalog = self._catalog()
            found = [
                TableName(".".join(namespace), str(identifier[-1]))
                for namespace in _namespaces(catalog, ())
                for identifier in catalog.list_tables(namespace)
            ]
        return sorted(set(found))

    def table(self, name: TableName) -> Table | None:
        """A table's metadata as it is now; None where there is no such table.

        Raises:
            SourceError: when the catalog cannot be asked, or the metadata cannot be read.
        """
        if self._options.tables:
            location = self._options.tables.get(name.name)
            if location is None or name.schema != self._options.default_schema:
                return None
            with self.reading(location):
                return StaticTable.from_metadata(location, dict(self._options.properties))
        with self.reading():
            catalog = self._catalog()
        with self.reading(str(name)):
            try:
                return catalog.load_table((*name.schema.split("."), name.name))
            except _ABSENT:
                return None

    def close(self) -> None:
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def redact(self, text: str) -> str:
        """`text` with every secret of this source masked."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def _place(self, location: str) -> str:
        """A URL without its login and its parameters; a path as it is."""
        # The secrets first: a password may hold what else ends an address.
        masked = self.redact(location)
        if "://" not in masked:
            return masked
        return _LOGIN.sub(_without_login, re.split(r"[?#]", masked, maxsplit=1)[0])

    @contextmanager
    def reading(self, path: str | None = None) -> Iterator[None]:
        """Whatever goes wrong inside is a SourceError that names the source and `path`."""
        try:
            yield
        except CrosswindError:
            raise
        except Exception as error:
            # `from None`: a client's own message may quote the credentials that it was given.
            raise self._translated(error, path) from None

    def _translated(self, error: Exception, what: str | None) -> CrosswindError:
        named = f"catalog {self.shown!r}" if what is None else repr(self.redact(what))
        reason = self.redact(_reason(error))
        match error:
            case FileNotFoundError():
                return SourceUnavailableError(f"{named} does not exist", source=self.source)
            case TimeoutError():
                return SourceTimeoutError(f"{named}: no answer in time", source=self.source)
            case _ if isinstance(error, _REFUSED):
                message = f"{named} cannot be read: {reason}"
                return SourceRejectedError(message, source=self.source)
        message = f"{named} cannot be {'reached' if what is None else 'read'}: {reason}"
        return SourceUnavailableError(message, source=self.source)

    def _catalog(self) -> Catalog:
        with self._lock:
            if self._opened is None:
                self._opened = self._connected()
            return self._opened

    def _connected(self) -> Catalog:
        properties = dict(self._options.properties)
        file = _sqlite_file(properties.get("uri", ""))
        if file is not None and not file.exists():
            raise FileNotFoundError(file)
        # Else an SQL catalog makes its tables where there are none: here nothing is written.
        properties.setdefault("init_catalog_tables", "false")
        return load_catalog(self._options.catalog, **properties)


def _namespaces(catalog: Catalog, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for namespace in catalog.list_namespaces(above):
        if len(namespace) > len(above):
            yield namespace
            yield from _namespaces(catalog, namespace)


def _reason(error: Exception) -> str:
    """One line of what a client said; of a database's error, without the statement."""
    said = getattr(error, "orig", None) or error
    text = " ".join(str(said).split())
    return (text or type(error).__name__)[:300]


def _is_local(location: str) -> bool:
    """Whether a URL or a path is of this machine.

    >>> [_is_local(at) for at in ("sqlite:///a.db", "file:///a", "/a", "s3://a", "http://a")]
    [True, True, True, False, False]
    """
    return re.match(r"sqlite|file:|(?!\w[\w+]+:)", location) is not None


def _sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite database, where it is one."""
    found = re.match(r"sqlite(?:\+\w+)?:///([^?]+)", uri)
    return Path(found[1]) if found and not found[1].startswith(("file:", ":memory:")) else None


def _secrets(options: IcebergOptions) -> set[str]:
    """Logins and parameters of URLs, and the values of all properties not known to be open."""
    texts = [*options.properties.values(), *options.tables.values()]
    in_urls = [found for text in texts if "://" in text for found in _in_url(text)]
    hidden = [v for k, v in options.properties.items() if not _is_open(k, v)]
    decoded = (*map(unquote, in_urls), *map(unquote_plus, in_urls))
    found = {*in_urls, *decoded, *hidden, *_parts(options.properties)} - {"true", "false"}
    return {text for text in found if len(text) >= 4}  # Shorter ones would mask half a message.


def _in_url(url: str) -> Iterator[str]:
    """The whole login, its password (or a user who has none), and each parameter's value."""
    for match in _LOGIN.finditer(url):
        if not _CONTAINERS.fullmatch(match["scheme"]):
            yield match["login"]
            yield match["password"] or match["user"]
    for given in re.split(r"[?&;#]", url)[1:]:
        yield given.partition("=")[2] or given


def _without_login(match: re.Match[str]) -> str:
    if _CONTAINERS.fullmatch(match["scheme"]):
        return match[0]
    return f"{match['scheme']}://{HIDDEN}@"


def _is_open(key: str, value: str) -> bool:
    return key in _OPEN or key.endswith(_OPEN_ENDS) or value in ("true", "false")


def _parts(properties: Mapping[str, str]) -> Iterator[str]:
    """The two halves of a credential are sent, and may be quoted, apart."""
    if "credential" in properties:
        yield properties["credential"].rpartition(":")[2]
