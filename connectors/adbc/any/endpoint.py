"""What a source's driver is given, and what of that must not be seen.

Owns the identity of a source and the masking of its secrets. Does no I/O.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from connectors.adbc.any.driver import is_path
from connectors.adbc.any.options import AdbcOptions

# Identities are compared within one process only: a digest seen in a log tells nothing.
_IDENTITY_KEY = secrets.token_bytes(32)

_TELLING = 4
"""A shorter secret is part of ordinary words: masking it would only show where it stands."""

_ORDINARY = frozenset({"true", "false", "none", "default", "public", "main"})
"""Values that say nothing, and stand in many messages."""

_PLACES = (
    *("host", "port", "protocol", "path", "location", "region", "account", "warehouse"),
    *("database", "db", "catalog", "schema", "project_id", "dataset_id", "table_id"),
)
"""What options are called that say where something is, and without which no message says what is
wrong. Of all others every value is taken for a secret."""

# `scheme://user:PASSWORD@host`, also without a scheme; `password=…` in whatever form.
_LOGIN = re.compile(r"^(?:[a-z0-9+.-]+://)?[^:/@]*:(?P<secret>.+)@", re.IGNORECASE)
_NAMED = re.compile(
    r"(?:password|passwd|pwd|token|secret|key|passphrase)\s*=\s*(?P<secret>[^&;,\s]+)",
    re.IGNORECASE,
)


class Endpoint:
    """A database, and who asks it."""

    def __init__(self, options: AdbcOptions) -> None:
        self._options = options
        # The longest first: one may be part of another.
        self._secrets = sorted(set(_secrets(options)), key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Endpoint(driver={self._options.driver!r})"

    @property
    def identity(self) -> str:
        """The driver, and a keyed digest, which differs by process, of all that it is given.

        Two sources of one database that are configured otherwise are not known to be one.
        """
        options = self._options
        driver = options.driver
        if is_path(driver):
            driver = str(Path(driver).absolute())
        kept = (
            driver,
            options.entrypoint,
            None if options.uri is None else options.uri.get_secret_value(),
            sorted(self.database_options().items()),
            sorted(self.connection_options().items()),
            options.dialect,
        )
        digest = hmac.new(_IDENTITY_KEY, repr(kept).encode(), hashlib.sha256).hexdigest()[:16]
        return f"adbc:{driver}#{digest}"

    def database_options(self) -> dict[str, str]:
        """What the driver's database takes. Holds secrets."""
        found = {k: v.get_secret_value() for k, v in self._options.db_kwargs.items()}
        if self._options.uri is not None:
            found["uri"] = self._options.uri.get_secret_value()
        return found

    def connection_options(self) -> dict[str, str]:
        """What each of its connections takes. Holds secrets."""
        return {k: v.get_secret_value() for k, v in self._options.conn_kwargs.items()}

    def masked(self, text: str) -> str:
        """`text` without any secret of this source."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _secrets(options: AdbcOptions) -> Iterator[str]:
    """The values of the driver's own options; of an address what it holds of a login."""
    for name, value in (*options.db_kwargs.items(), *options.conn_kwargs.items()):
        text, telling = value.get_secret_value(), name.rpartition(".")[2] not in _PLACES
        if telling and len(text) >= _TELLING and text.lower() not in _ORDINARY:
            yield text
    if options.uri is not None:
        uri = options.uri.get_secret_value()
        for pattern in (_LOGIN, _NAMED):
            for match in pattern.finditer(uri):
                for text in (match["secret"], unquote(match["secret"])):
                    if len(text) >= _TELLING:
                        yield text
