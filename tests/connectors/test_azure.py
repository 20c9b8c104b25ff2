"""Files in Azure Blob Storage: what of adlfs's options the engine's reader is told."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from datafusion import SessionContext

from connectors.errors import SourceRejectedError
from connectors.files import azure, create
from connectors.files.location import Location

SOURCE = "lake"
KEY = base64.b64encode(b"hunter2-hunter2").decode()
SIGNATURE = "sv=2022-11-02&sig=hunter2%2Fhunter2%3D"
SECRETS = (KEY, "hunter2")
STRING = f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={KEY}"
EMULATOR = (
    f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};"
    "BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
)
PRINCIPAL = {"client_id": "c", "client_secret": "hunter2-hunter2", "tenant_id": "t"}


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AZURE_", "AZURITE_")):
            monkeypatch.delenv(name)


def store(root: str = "az://box/x", **storage_options: object) -> azure.AzureStore:
    return azure.AzureStore(SOURCE, root, storage_options)


def told(monkeypatch: pytest.MonkeyPatch, made: azure.AzureStore) -> dict[str, Any]:
    """What the engine's store is constructed with."""
    import datafusion.object_store

    given: dict[str, Any] = {}
    real = datafusion.object_store.MicrosoftAzure

    def recording(**options: Any) -> Any:
        given.update({name: value for name, value in options.items() if value is not None})
        return real(**options)

    monkeypatch.setattr(datafusion.object_store, "MicrosoftAzure", recording)
    made.introduce(SessionContext(), "box/x/t.parquet")
    return given


ACCOUNT = {"container_name": "box", "account": "shop"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"account_name": "shop", "account_key": KEY}, {"access_key": KEY}),
        ({"connection_string": STRING}, {"access_key": KEY}),
        (
            {"account_name": "shop", "sas_token": f"?{SIGNATURE}"},
            {"sas_query_pairs": [("sv", "2022-11-02"), ("sig", "hunter2/hunter2=")]},
        ),
        ({"account_name": "shop", **PRINCIPAL}, PRINCIPAL),
    ],
)
def test_the_engine_is_told_what_adlfs_was(
    options: dict[str, object], expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store(**options)
    assert made.native
    assert told(monkeypatch, made) == {**ACCOUNT, **expected}


def test_an_account_may_be_in_the_url_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    made = store("abfss://box@shop.dfs.core.windows.net/x", account_key=KEY)
    assert told(monkeypatch, made) == {**ACCOUNT, "access_key": KEY}
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "shop")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    assert told(monkeypatch, store()) == {**ACCOUNT, "access_key": KEY}


def test_the_emulator_is_known_where_the_engine_looks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = store(connection_string=EMULATOR.format(port=10000))
    assert told(monkeypatch, made) == {
        "container_name": "box",
        "account": "devstoreaccount1",
        "access_key": KEY,
        "use_emulator": True,
        "allow_http": True,
    }
    assert not store(connection_string=EMULATOR.format(port=10001)).native
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", "http://127.0.0.1:10001")
    assert store(connection_string=EMULATOR.format(port=10001)).native


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"account_name": "shop"},
        {"account_name": "shop", "anon": True},
        {"account_name": "shop", "account_key": KEY, "account_host": "blob.example.com"},
        {"account_name": "shop", "account_key": KEY, "version_aware": True},
        {"account_name": "shop", "client_id": "c"},
        {"connection_string": f"{STRING};EndpointSuffix=core.chinacloudapi.cn"},
        {"connection_string": STRING.replace("https", "http")},
        {"connection_string": "nonsense"},
    ],
)
def test_adlfs_reads_where_the_engine_could_not(options: dict[str, object]) -> None:
    assert not store(**options).native


@pytest.mark.parametrize(
    ("variable", "options"),
    [
        ("AZURE_STORAGE_TOKEN", {"account_name": "shop", "account_key": KEY}),
        ("AZURE_CLIENT_SECRET", {"account_name": "shop", "sas_token": SIGNATURE}),
        ("AZURE_STORAGE_CLIENT_SECRET", {"account_name": "shop", "sas_token": SIGNATURE}),
        ("AZURE_STORAGE_ENDPOINT", {"account_name": "shop", "account_key": KEY}),
    ],
)
def test_what_only_the_engine_would_take_from_the_environment_is_not_taken(
    variable: str, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store(**options).native
    monkeypatch.setenv(variable, "https://elsewhere.example.com")
    assert not store(**options).native


def test_secrets_are_in_no_repr_or_error() -> None:
    access = azure._access({"account_name": "shop", "account_key": KEY})
    connector = create(
        SOURCE, {"root": "az://box/x", "storage_options": {"connection_string": STRING}}
    )
    quoted = Location(SOURCE, "az://box/x", {"connection_string": STRING}).redact(f"bad {KEY}")
    shown = repr(access) + repr(connector) + connector.identity + quoted
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_login_that_is_refused_is_no_outage() -> None:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    class Answer:
        status_code, reason = 403, "Forbidden"

    for error in (
        ClientAuthenticationError(response=Answer()),
        HttpResponseError(response=Answer()),
    ):
        location = Location(SOURCE, "az://box/x", {"connection_string": STRING})
        with pytest.raises(SourceRejectedError, match="may not be read"), location.reading("box/x"):
            raise error
