"""Where a Flight SQL server is and how to log in: from options to the driver's own.

Owns the identity of a source and the masking of its secrets. Reads certificates when the driver
needs them; does no other I/O.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from adbc_driver_flightsql import DatabaseOptions
from pydantic import SecretStr

from connectors.adbc.flightsql.options import FlightsqlOptions
from connectors.errors import SourceRejectedError

# Identities are compared within one process only: a digest seen in a log tells nothing.
_IDENTITY_KEY = secrets.token_bytes(32)

_TELLING = 4
"""A shorter secret is part of ordinary words: masking it would only show where it stands."""

_MESSAGE_BYTES = 1 << 30
"""Of the largest batch. The driver's own limit is 16 MiB, and some servers send whole tables."""


class Endpoint:
    """A server, and who asks it.

    Args:
        source: the configured name, for errors.
        options: checked options.
    """

    def __init__(self, source: str, options: FlightsqlOptions) -> None:
        self._source = source
        self._options = options
        # The longest first: one may be part of another.
        self._secrets = sorted(_secrets(options), key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Endpoint({self.address!r}, username={self._options.username!r})"

    @property
    def address(self) -> str:
        """As configured; it holds no secret."""
        return self._options.uri

    @property
    def identity(self) -> str:
        """Server and user, and a keyed digest, which differs by process, of how it is asked.

        Which of its tables are seen is no part of it: their names are written in full.
        """
        options, parts = self._options, urlsplit(self._options.uri)
        tls = options.tls
        kept = (
            parts.scheme == "grpc+tls",
            _plain(options.password),
            _plain(options.token),
            sorted((name, _plain(value)) for name, value in options.headers.items()),
            None if tls is None else (tls.server_name, tls.client_certificate),
            options.dialect,
        )
        digest = hmac.new(_IDENTITY_KEY, repr(kept).encode(), hashlib.sha256).hexdigest()[:16]
        return f"flightsql://{options.username or ''}@{parts.hostname}:{parts.port}#{digest}"

    def driver_options(self) -> dict[str, str]:
        """What the driver's database takes. Holds secrets; reads the certificates.

        Raises:
            SourceRejectedError: for a certificate that cannot be read.
        """
        options, names = self._options, DatabaseOptions
        found = {
            names.WITH_MAX_MSG_SIZE.value: str(_MESSAGE_BYTES),
            # Each connection asks what the server can do, before anybody could cancel that.
            names.TIMEOUT_QUERY.value: str(options.wait_seconds),
        }
        for name, value in options.headers.items():
            found[names.RPC_CALL_HEADER_PREFIX.value + name] = value.get_secret_value()
        if options.username is not None and options.password is not None:
            found["username"] = options.username
            found["password"] = options.password.get_secret_value()
        if options.token is not None:
            bearer = f"Bearer {options.token.get_secret_value()}"
            found[names.AUTHORIZATION_HEADER.value] = bearer
        if options.tls is not None:
            tls = options.tls
            if tls.skip_verify:
                found[names.TLS_SKIP_VERIFY.value] = "true"
            if tls.root_certificate is not None:
                found[names.TLS_ROOT_CERTS.value] = self._pem(tls.root_certificate)
            if tls.server_name is not None:
                found[names.TLS_OVERRIDE_HOSTNAME.value] = tls.server_name
            if tls.client_certificate is not None and tls.client_key is not None:
                found[names.MTLS_CERT_CHAIN.value] = self._pem(tls.client_certificate)
                found[names.MTLS_PRIVATE_KEY.value] = self._pem(tls.client_key.get_secret_value())
        return found

    def masked(self, text: str) -> str:
        """`text` without any secret of this endpoint."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _pem(self, given: str) -> str:
        if "-----BEGIN" in given:
            return given
        try:
            return Path(given).read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a PEM file"
            raise SourceRejectedError(
                f"the certificate or key {given!r} cannot be read: {reason}",
                source=self._source,
                hint="Check tls, whose paths are relative to where the command runs.",
            ) from None


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _secrets(options: FlightsqlOptions) -> Iterator[str]:
    key = None if options.tls is None else options.tls.client_key
    for secret in (options.password, options.token, key, *options.headers.values()):
        if secret is not None and len(secret.get_secret_value()) >= _TELLING:
            yield secret.get_secret_value()
    if options.password is not None:
        # As the driver sends them; some servers repeat what they refuse.
        login = f"{options.username}:{options.password.get_secret_value()}".encode()
        yield base64.b64encode(login).decode().rstrip("=")
