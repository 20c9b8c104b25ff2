"""How a source is connected to, and what of that must not be seen.

Owns the identity of a source and the masking of its secrets. Does no I/O.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator

from connectors.odbc.options import MYSQL, OdbcOptions, parts

# Identities are compared within one process only: a digest seen in a log tells nothing.
_IDENTITY_KEY = secrets.token_bytes(32)

_TELLING = 4
"""A shorter secret is part of ordinary words: masking it would only show where it stands."""

_PLACES = frozenset(
    {
        *("driver", "dsn", "filedsn", "server", "host", "hostname", "port", "socket", "option"),
        *("database", "db", "dbq", "dbname", "uid", "user", "username", "charset", "service"),
    }
)
"""The keys whose values may be seen. Of all others every value is taken for a secret."""

# Rows are sent as they are read. Without these the driver keeps a whole result in memory first.
_STREAMED = 1_048_576 | 2_097_152


class Endpoint:
    """A database, and who asks it."""

    def __init__(self, options: OdbcOptions) -> None:
        self._options = options
        # The longest first: one may be part of another.
        self._secrets = sorted(set(_secrets(options)), key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Endpoint({self._shown!r})"

    @property
    def connection_string(self) -> str:
        """What the driver is given, but for the login. Holds secrets."""
        given = self._options.connection_string.get_secret_value().rstrip("; ")
        if self._options.dialect == MYSQL and "option" not in dict(parts(given)):
            given += f";OPTION={_STREAMED}"
        # The login is put behind it as it is.
        return f"{given};"

    @property
    def identity(self) -> str:
        """Driver, server and user, and a keyed digest, which differs by process, of all of it."""
        options = self._options
        password = None if options.password is None else options.password.get_secret_value()
        kept = (self.connection_string, options.user, password, options.dialect)
        digest = hmac.new(_IDENTITY_KEY, repr(kept).encode(), hashlib.sha256).hexdigest()[:16]
        return f"odbc:{self._shown}#{digest}"

    def masked(self, text: str) -> str:
        """`text` without any secret of this source."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    @property
    def _shown(self) -> str:
        given = self._options.connection_string.get_secret_value()
        return ";".join(f"{key}={value}" for key, value in parts(given) if key in _PLACES)


def _secrets(options: OdbcOptions) -> Iterator[str]:
    given = parts(options.connection_string.get_secret_value())
    values = [value for key, value in given if key not in _PLACES]
    if options.password is not None:
        values.append(options.password.get_secret_value())
    for value in values:
        if len(value) >= _TELLING:
            yield value
            yield value.replace("}", "}}")  # As it stands within braces.
