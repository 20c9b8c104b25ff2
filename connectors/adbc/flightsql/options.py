"""What a configuration file may say about a Flight SQL source. Knows no driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_SCHEMES = frozenset({"grpc", "grpc+tcp", "grpc+tls"})


class TlsOptions(BaseModel):
    """How a `grpc+tls://` server is known, and how it knows us. Each is a path, or the PEM itself.

    Attributes:
        root_certificate: whom to trust; None for whom the system trusts.
        skip_verify: trust whoever answers. For tests only.
        server_name: the name in the server's certificate, where it is not that in the uri.
        client_certificate, client_key: to show to a server that asks for one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    root_certificate: str | None = None
    skip_verify: bool = False
    server_name: str | None = None
    client_certificate: str | None = None
    client_key: SecretStr | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> TlsOptions:
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together")
        return self


class FlightsqlOptions(BaseModel):
    """The options of one source.

    Attributes:
        uri: `grpc://HOST:PORT` or `grpc+tls://HOST:PORT`.
        username, password: sent once, for a token.
        token: sent as `authorization: Bearer …` with every request.
        headers: sent with every request.
        tls: certificates, for grpc+tls.
        catalog: the only catalog to see; None for all. Of several, the schemas are CATALOG.SCHEMA.
        schemas: the only schemas to see, by their names there; None for all.
        tables: their names, `TABLE` or `SCHEMA.TABLE`, where the server cannot list them.
        default_schema: the schema of table names that give none; empty for whichever has one.
        dialect: what the server's SQL means: `datafusion` where it runs that, `none` where only
            columns may be asked for, `auto` to ask it. A Crosswind is known; others are not.
        compression: how a Crosswind compresses what it sends; `auto` where its link is slow. Other
            servers send as they like.
        max_connections: how many queries run there at once.
        timeout_seconds: how long one may take; None for no bound.
        wait_seconds: how long connecting, and each question for the catalog, may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    uri: str
    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    tls: TlsOptions | None = None
    catalog: str | None = None
    schemas: tuple[str, ...] | None = None
    tables: tuple[str, ...] | None = Field(default=None, min_length=1)
    default_schema: str = ""
    dialect: Literal["auto", "datafusion", "none"] = "auto"
    compression: Literal["auto", "none", "lz4", "zstd"] = "auto"
    max_connections: int = Field(default=8, ge=1, le=1000)
    timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)
    wait_seconds: float = Field(default=30.0, gt=0, le=3600)

    @field_validator("uri")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise ValueError("expected grpc://HOST:PORT with a port from 0 to 65535") from None
        if "@" in parts.netloc:
            raise ValueError("a login has its own keys: username and password, or token")
        if parts.scheme not in _SCHEMES or parts.path.strip("/") or parts.query:
            raise ValueError("expected grpc://HOST:PORT or grpc+tls://HOST:PORT")
        if not parts.hostname or port is None:
            raise ValueError("expected grpc://HOST:PORT, with host and port")
        return value

    @field_validator("headers")
    @classmethod
    def _are_lower_case(cls, value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        # The driver takes any case, and gRPC refuses what is not lower.
        return {name.lower(): text for name, text in value.items()}

    @model_validator(mode="after")
    def _fit_together(self) -> FlightsqlOptions:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.token is not None and self.username is not None:
            raise ValueError("either token, or username and password")
        if self.tls is not None and urlsplit(self.uri).scheme != "grpc+tls":
            raise ValueError("tls needs a uri that begins with grpc+tls://")
        return self
