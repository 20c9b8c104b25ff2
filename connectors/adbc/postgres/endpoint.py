"""Where a PostgreSQL server is and how to log in: libpq's connection string, read and written.

Owns the settings of every session, the identity of a source, and the masking of its secrets. Does
no I/O and reads no environment: what a URI leaves out, libpq fills in.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

# Identities are compared within one process only. A key that lives no longer means that a digest
# seen in a log tells nothing about the password, not even by trying likely ones.
_IDENTITY_KEY = secrets.token_bytes(32)

_SECRETS = frozenset({"password", "sslpassword", "oauth_client_secret", "passfile"})

# How a dead link is noticed while a statement runs: after about 30 s without an answer. A value in
# the URI wins.
_CONNECTION_DEFAULTS = {
    "application_name": "crosswind",
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

# What makes a text mean the same on every server, and a transaction outlast a slow client. Sent in
# the start-up packet, so that it costs no round trip and a pooler that cannot keep it refuses at
# once, instead of leaking it to others.
SESSION_SETTINGS: Mapping[str, str] = {
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "repeatable read",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "idle_in_transaction_session_timeout": "0",
    # It compiles by what it expects, for each batch again: most of what it takes is lost.
    "jit": "off",
    # Nothing but a mark: a role may have all the others, and a pooler no session.
    "crosswind.session": "on",
}

_OF_SESSIONS = frozenset(
    {"default_transaction_read_only", "default_transaction_isolation", "crosswind.session"}
)
"""What means nothing within a transaction."""


_TELLING = 4
"""A shorter secret is part of ordinary words: masking it would only show where it stands."""

_SHOWN = frozenset({"host", "hostaddr", "port", "user", "dbname"})
"""What an identity says in clear."""

_TRANSPORT = frozenset(
    {
        "application_name",
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    }
)
"""What says how to speak to a server, and not to which or as whom."""


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """libpq's connection parameters by keyword, as the URI gives them."""

    parameters: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        shown = {k: "***" if k in _SECRETS else v for k, v in self.parameters.items()}
        return f"Endpoint({shown})"

    @property
    def identity(self) -> str:
        """Server, database, user, and a keyed digest, which differs by process, of all the rest.

        Whatever may decide which server answers, as whom, or what it shows, tells two apart.
        """
        given = self.parameters
        where = ",".join(f"{key}={given[key]}" for key in ("host", "hostaddr") if given.get(key))
        kept = repr(sorted((key, given[key]) for key in given.keys() - _TRANSPORT - _SHOWN))
        digest = hmac.new(_IDENTITY_KEY, kept.encode(), hashlib.sha256).hexdigest()[:16]
        return (
            f"postgres://{given.get('user', '')}@{where}:{given.get('port', '5432')}"
            f"/{given.get('dbname', '')}#{digest}"
        )

    def conninfo(
        self, statement_timeout_seconds: float | None = None, *, settings: bool = True
    ) -> str:
        """The string for libpq, with the settings of a session. Holds secrets.

        Args:
            settings: False where the session can have none; see `local_settings`.
        """
        given = {key: value for key, value in self.parameters.items() if value}
        if settings:
            of_session = _settings(statement_timeout_seconds).items()
            options = " ".join(f"-c {name}={_escaped(value)}" for name, value in of_session)
            # The last setting of a name wins: what the URI sets must not undo read-only.
            given["options"] = f"{given.get('options', '')} {options}".strip()
        given["client_encoding"] = "UTF8"
        return " ".join(f"{k}={_quoted(v)}" for k, v in {**_CONNECTION_DEFAULTS, **given}.items())

    def local_settings(self, statement_timeout_seconds: float | None = None) -> dict[str, str]:
        """Those of each transaction, where the session can have none; it begins read-only."""
        found = _settings(statement_timeout_seconds)
        return {k: v for k, v in found.items() if k not in _OF_SESSIONS}

    def masked(self, text: str) -> str:
        """`text` without any secret of this endpoint."""
        for key in _SECRETS & self.parameters.keys():
            if len(self.parameters[key]) >= _TELLING:
                text = text.replace(self.parameters[key], "***")
        return text


def parse(uri: str) -> Endpoint:
    """Read a `postgresql://` URI or a keyword string, as libpq does.

    Raises:
        ValueError: saying what is wrong, without repeating any part of the text.

    >>> parse("postgresql://ann:pa%20ss@db1:5433/shop?sslmode=require").parameters["password"]
    'pa ss'
    >>> parse("postgresql://ann@/shop?host=/run/pg").parameters
    {'user': 'ann', 'host': '/run/pg', 'dbname': 'shop'}
    >>> parse(r"host=db1 password='it\\'s' dbname = shop").parameters["password"]
    "it's"
    """
    scheme, separator, rest = uri.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        return Endpoint(_uri_parameters(rest))
    if separator and "=" not in scheme:
        raise ValueError("the URI must start with postgresql://")
    return Endpoint(_keyword_parameters(uri))


def _uri_parameters(rest: str) -> dict[str, str]:
    address, _, query = rest.partition("?")
    authority, _, database = address.partition("/")
    login, _, servers = authority.rpartition("@")
    user, _, password = login.partition(":")
    hosts, ports = [], []
    for server in servers.split(","):
        match = re.fullmatch(r"(\[[^]]*\]|[^:]*)(?::(\d*))?", server)
        if match is None:
            raise ValueError("the URI needs host:port after user:password@, the port a number")
        hosts.append(unquote(match[1].strip("[]")))
        ports.append(match[2] or "")
    found = {
        "user": unquote(user),
        "password": unquote(password),
        "host": ",".join(hosts),
        "port": ",".join(ports),
        "dbname": unquote(database),
    }
    for item in filter(None, query.split("&")):
        key, equals, value = item.partition("=")
        if not equals:
            raise ValueError("the URI has a parameter without a value")
        # libpq takes JDBC's `ssl=true`, but in a URI only.
        key, value = ("sslmode", "require") if item == "ssl=true" else (key, value)
        found[unquote(key)] = unquote(value)
    return {key: value for key, value in found.items() if value.strip(",")}


def _keyword_parameters(text: str) -> dict[str, str]:
    pattern = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)")
    found: dict[str, str] = {}
    position = 0
    text = text.strip()
    while position < len(text):
        match = pattern.match(text, position)
        if match is None:
            raise ValueError("neither a postgresql:// URI nor libpq's `keyword=value` pairs")
        value = match[2] if match[2] is not None else match[3]
        found[match[1]] = re.sub(r"\\(.)", r"\1", value)
        position = match.end()
    return found


def _settings(statement_timeout_seconds: float | None) -> dict[str, str]:
    found = dict(SESSION_SETTINGS)
    if statement_timeout_seconds is not None:
        found["statement_timeout"] = str(math.ceil(statement_timeout_seconds * 1000))
    return found


def _escaped(value: str) -> str:
    """A value within `options`, which splits at spaces."""
    return re.sub(r"([\\ ])", r"\\\1", value)


def _quoted(value: str) -> str:
    """A value of a keyword string."""
    return "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
