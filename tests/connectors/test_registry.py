"""Connectors come in by their entry points, and their options fail in the configuration's words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from connectors import registry
from connectors.errors import ConfigurationError
from connectors.files import FilesConnector
from connectors.memory import MemoryConnector


def located(path: tuple[str, ...]) -> str:
    return f"x.toml:{len(path)}"


def test_the_built_in_kinds_are_installed() -> None:
    assert {"files", "memory", "postgres"} <= set(registry.kinds())


def test_a_kind_becomes_a_connector(tmp_path: Path) -> None:
    assert isinstance(registry.create("memory", "m", {}), MemoryConnector)
    files = registry.create("files", "lake", {"root": str(tmp_path), "csv": {"delimiter": ";"}})
    assert isinstance(files, FilesConnector)


def test_an_unknown_kind_names_the_nearest_and_all() -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry.create("postgress", "shop", {}, locate=located)
    assert caught.value.message == (
        "x.toml:3: unknown connector 'postgress'; did you mean 'postgres'?; "
        f"known: {', '.join(sorted(registry.kinds()))}"
    )


def test_an_unknown_option_names_the_nearest_with_its_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry.create("files", "lake", {"root": "/x", "storage_option": {}}, locate=located)
    assert caught.value.message == (
        "x.toml:3: unknown key 'storage_option' in [sources.lake]; did you mean 'storage_options'?"
    )


def test_an_unknown_option_of_a_nested_table_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry.create("files", "lake", {"root": "/x", "csv": {"delimitr": ";"}}, locate=located)
    assert caught.value.message == (
        "x.toml:4: unknown key 'delimitr' in [sources.lake.csv]; did you mean 'delimiter'?"
    )


def test_every_wrong_option_is_told_and_no_value_shown() -> None:
    options = {"root": ["s3cret"], "csv": {"delimiter": "s3cret"}, "storage_options": "s3cret"}
    with pytest.raises(ConfigurationError) as caught:
        registry.create("files", "lake", options)
    message = caught.value.message
    assert "'root' in [sources.lake]: expected a valid string" in message
    assert "'delimiter' in [sources.lake.csv]: one ASCII character" in message
    assert "s3cret" not in message
    assert caught.value.__suppress_context__


def test_a_missing_option_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"\[sources\.lake\] needs the key 'root'"):
        registry.create("files", "lake", {})


def test_a_connector_of_a_third_party_needs_only_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "third_party-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[crosswind.connectors]\nthird = third_party:create\nlost = third_party_lost:create\n"
        "wrong = third_party:wrong\nmemory = third_party:create\n"
    )
    (tmp_path / "third_party.py").write_text(
        "from connectors.memory import create\ndef wrong(name, options):\n    return 3\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert isinstance(registry.create("third", "t", {}), MemoryConnector)
    with pytest.raises(ConfigurationError, match="'lost' of third-party cannot be imported"):
        registry.create("lost", "t", {})
    with pytest.raises(ConfigurationError, match="made a int, which is not a Connector"):
        registry.create("wrong", "t", {})
    with pytest.raises(ConfigurationError, match="provided more than once: crosswind, third-party"):
        registry.create("memory", "t", {})


@pytest.mark.parametrize(("kind", "library"), [("iceberg", "pyiceberg"), ("delta", "deltalake")])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, library: str) -> None:
    for name in list(sys.modules):
        if name.startswith((f"connectors.{kind}", library)):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError, match="cannot be imported") as caught:
        registry.load(kind)
    assert f"pip install 'crosswind[{kind}]'" in str(caught.value.hint)
