"""Azure Blob Storage for the engine's reader: what adlfs was told, as far as the engine takes it.

Owns nothing but the translation. The engine's client knows an account with a key, a shared access
signature or a service principal; with any other option adlfs reads all by itself. Must not know
tables or formats.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from pyarrow.fs import FileSystem

from connectors.files.introduced import Introduced

if TYPE_CHECKING:
    import datafusion

PROTOCOLS = ("az", "abfs", "abfss")

_KNOWN = {
    **dict.fromkeys(("account_name", "account_key", "connection_string", "sas_token")),
    **dict.fromkeys(("client_id", "client_secret", "tenant_id", "anon", "use_listings_cache")),
}
"""Options of adlfs that change nothing, or are said to the engine, too."""

_PRINCIPAL = ("client_id", "client_secret", "tenant_id")

_EMULATOR_ACCOUNT = "devstoreaccount1"
_EMULATOR_HOST = "http://127.0.0.1:10000"
_HOST = "blob.core.windows.net"


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """How an account is reached: by one of key, signature or principal.

    Attributes:
        emulator: Azurite, where the engine looks for it.
        signature: a shared access signature, as the query of a URL.
        principal: client, its secret and the tenant.
    """

    account: str
    emulator: bool
    key: str | None = None
    signature: str | None = None
    principal: tuple[str, str, str] | None = None


class AzureStore:
    """The containers of one source. Two sources may reach one with other credentials.

    Args:
        source: names the URL scheme by which the engine knows this source's containers.
        root: the URL; its host may name the account.
        storage_options: what adlfs was told.
    """

    def __init__(self, source: str, root: str, storage_options: Mapping[str, object]) -> None:
        self._scheme = f"az-{source.encode().hex()}"
        self._introduced = Introduced(self._scheme)
        host = urlsplit(root).hostname or ""
        account = host.partition(".")[0] if host.endswith(".core.windows.net") else None
        known = not (storage_options.keys() - _KNOWN.keys())
        access = _access({**storage_options, **({"account_name": account} if account else {})})
        self._access = access if known and access and not _overruled(access) else None
        self.native = self._access is not None

    def uri(self, path: str) -> str:
        """The engine's URL of `container/name`."""
        container, _, name = path.partition("/")
        return f"{self._scheme}://{container}/{quote(name)}"

    def within(self, path: str) -> str:
        """The blob's name."""
        return path.partition("/")[2]

    def arrow(self) -> FileSystem | None:
        """None: Arrow's own client takes fewer kinds of credentials than adlfs."""
        return None

    def introduce(self, context: datafusion.SessionContext, path: str) -> None:
        """Make the container of `path` known to an engine's session."""
        from datafusion.object_store import MicrosoftAzure

        access = self._access
        if access is None:
            raise ValueError("the engine does not read this account")
        client_id, client_secret, tenant_id = access.principal or (None, None, None)
        container = path.partition("/")[0]

        def client() -> MicrosoftAzure:
            return MicrosoftAzure(
                container_name=container,
                account=access.account,
                access_key=access.key,
                client_id=client_id,
                client_secret=client_secret,
                tenant_id=tenant_id,
                sas_query_pairs=parse_qsl(access.signature) if access.signature else None,
                use_emulator=access.emulator or None,
                allow_http=access.emulator or None,
            )

        self._introduced.once(context, container, access, client)


def _access(options: Mapping[str, object]) -> Access | None:
    """How adlfs would reach the account, by options or environment; None where only it can."""

    def told(name: str) -> str | None:
        value = options.get(name) or os.environ.get(f"AZURE_STORAGE_{name.upper()}")
        return str(value) if value else None

    if options.get("anon") or told("anon") not in (None, "false", "0", "f", "False"):
        return None
    written = told("connection_string")
    if written:
        return _of_connection_string(written)
    account = told("account_name")
    if account is None:
        return None
    if key := told("account_key"):
        return Access(account, emulator=False, key=key)
    if signature := told("sas_token"):
        return Access(account, emulator=False, signature=signature.lstrip("?"))
    client_id, client_secret, tenant_id = map(told, _PRINCIPAL)
    if client_id and client_secret and tenant_id:
        return Access(account, emulator=False, principal=(client_id, client_secret, tenant_id))
    return None


def _of_connection_string(written: str) -> Access | None:
    pairs = (part.partition("=") for part in written.split(";") if part.strip())
    parts = {name.strip().lower(): value.strip() for name, _, value in pairs}
    account = parts.get("accountname")
    if account is None:
        return None
    endpoint = parts.get("blobendpoint")
    if endpoint is None:
        suffix = parts.get("endpointsuffix", "core.windows.net")
        protocol = parts.get("defaultendpointsprotocol", "https")
        endpoint = f"{protocol}://{account}.blob.{suffix}"
    at = os.environ.get("AZURITE_BLOB_STORAGE_URL", _EMULATOR_HOST)
    emulator = endpoint.rstrip("/") == f"{at.rstrip('/')}/{_EMULATOR_ACCOUNT}"
    if not emulator and endpoint.rstrip("/") != f"https://{account}.{_HOST}":
        return None
    key, signature = parts.get("accountkey"), parts.get("sharedaccesssignature")
    if key:
        return Access(account, emulator, key=key)
    return Access(account, emulator, signature=signature.lstrip("?")) if signature else None


def _overruled(access: Access) -> bool:
    """Whether the engine would take something of the environment for what adlfs was told.

    It reads every variable whose name it knows, also those that adlfs does not, and prefers keys
    to principals, and those to signatures.
    """
    named = {name for name in os.environ if name.startswith("AZURE_")}
    read = {f"AZURE_STORAGE_{name.upper()}" for name in _KNOWN}
    preferred = set() if access.key else {"AZURE_STORAGE_ACCOUNT_KEY"}
    if access.signature:
        preferred |= {f"AZURE_STORAGE_{name.upper()}" for name in _PRINCIPAL}
    return bool(named - read) or bool(named & preferred)
