"""A client of a store is made once for a session, and again when it would be another."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from datafusion import SessionContext

from connectors.files.azure import AzureStore
from connectors.files.gcs import GcsStore
from connectors.files.http import HttpStore
from connectors.files.location import Store

KEY = "aHVudGVyMi1odW50ZXIy"


def _azure() -> Store:
    return AzureStore("lake", "az://one/x", {"account_name": "shop", "account_key": KEY})


def _gcs() -> Store:
    return GcsStore("lake", {"token": "anon"})


def _http() -> Store:
    return HttpStore("https://one/x", {})


STORES = {
    "MicrosoftAzure": (_azure, "one/x/{}.parquet", "two/x/a.parquet"),
    "GoogleCloud": (_gcs, "one/x/{}.parquet", "two/x/a.parquet"),
    "Http": (_http, "https://one/x/{}.parquet", "https://two/x/a.parquet"),
}


def _made(client: str, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    import datafusion.object_store

    real, made = getattr(datafusion.object_store, client), []

    def counting(*given: Any, **options: Any) -> Any:
        made.append(real(*given, **options))
        return made[-1]

    monkeypatch.setattr(datafusion.object_store, client, counting)
    return made


@pytest.mark.parametrize("client", STORES)
def test_a_session_keeps_its_clients(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AZURE_", "AZURITE_")):
            monkeypatch.delenv(name)
    make, path, elsewhere = STORES[client]
    made, store, context = _made(client, monkeypatch), make(), SessionContext()
    for name in "aba":
        store.introduce(context, path.format(name))
    assert len(made) == 1
    store.introduce(context, elsewhere)
    store.introduce(context, path.format("a"))
    assert len(made) == 2
    store.introduce(SessionContext(), path.format("a"))
    assert len(made) == 3


def test_another_key_makes_another_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, context, file = _made("GoogleCloud", monkeypatch), SessionContext(), tmp_path / "key.json"
    store = None
    key = {"type": "service_account", "client_email": "", "private_key": "", "private_key_id": ""}
    for number in range(2):
        file.unlink(missing_ok=True)
        file.write_text(json.dumps({**key, "disable_oauth": True}))
        os.utime(file, ns=(number, number))
        store = store or GcsStore("lake", {"token": str(file)})
        for _ in range(2):
            store.introduce(context, "one/a.parquet")
        assert len(made) == number + 1
