"""One file, the environment, flags: who wins, what is refused and where, and that secrets stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors import registry
from connectors.errors import ConfigurationError
from flight_server.config import Config, key_lines, load

EXAMPLE = """\
# The example of the design.
[server]
listen = "grpc://127.0.0.1:0"
memory_limit = "2GiB"

[sources.shop]
connector = "postgres"
uri = { env = "SHOP_URI" }
link = { rtt_ms = 20, mbps = 100 }
max_connections = 8

[sources.lake]
connector = "files"
root = "s3://lake/sf1"
storage_options = { endpoint_url = "http://127.0.0.1:9000", key = { env = "S3_KEY" }, \
secret = { file = "s3.secret" } }
"""
SECRETS = {"SHOP_URI": "postgresql://me:hunter2@db/shop", "S3_KEY": "akia99"}


def write(folder: Path, text: str) -> Path:
    path = folder / "crosswind.toml"
    path.write_text(text)
    return path


def failure(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> str:
    path = write(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, environment=environment or {})
    return caught.value.message.replace(str(path), "crosswind.toml")


def test_the_example_loads_with_secrets_resolved_and_hidden(tmp_path: Path) -> None:
    (tmp_path / "s3.secret").write_text("wJalr\n")
    config = load(write(tmp_path, EXAMPLE), environment=SECRETS)
    assert (config.server.host, config.server.port) == ("127.0.0.1", 0)
    assert config.server.memory_limit == 2 << 30
    shop, lake = config.sources["shop"], config.sources["lake"]
    assert (shop.connector, shop.name) == ("postgres", "shop")
    assert shop.link is not None
    assert (shop.link.rtt_ms, shop.link.mbps) == (20, 100)
    assert dict(shop.options) == {
        "uri": "postgresql://me:hunter2@db/shop",
        "max_connections": 8,
    }
    assert lake.options["storage_options"] == {
        "endpoint_url": "http://127.0.0.1:9000",
        "key": "akia99",
        "secret": "wJalr",
    }
    for shown in (repr(config), str(config), repr(lake), f"{shop.options}"):
        assert not any(secret in shown for secret in ("hunter2", "akia99", "wJalr"))
    assert "http://127.0.0.1:9000" in repr(config)


def test_a_literal_password_is_used_and_hidden() -> None:
    uri = "postgresql://me:p@ss/w@db/shop?sslpassword=abcd"
    config = Config.from_mapping({"sources": {"shop": {"connector": "postgres", "uri": uri}}})
    assert config.sources["shop"].options["uri"] == uri
    assert "postgresql://me:***@db/shop" in repr(config)
    assert "abcd" not in repr(config)


def test_defaults(tmp_path: Path) -> None:
    server = load(write(tmp_path, ""), environment={}).server
    assert server.listen == "grpc://127.0.0.1:31337"
    assert 0 < server.memory_limit <= 4 << 30
    assert server.max_concurrent_queries == 32
    assert server.queue_timeout_seconds == 30
    assert server.query_timeout_seconds is None
    assert server.target_partitions >= 1
    assert server.plan_cache_size == 512


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "[server]\nplan_cache_size = 1\nmax_concurrent_queries = 1\nqueue_timeout_seconds = 1\n",
    )
    environment = {
        "CROSSWIND_SERVER__MAX_CONCURRENT_QUERIES": "2",
        "CROSSWIND_SERVER__QUEUE_TIMEOUT_SECONDS": "2",
        "CROSSWIND_SOURCES__NOTES__CONNECTOR": "files",
        "CROSSWIND_SOURCES__NOTES__STORAGE_OPTIONS__KEY": "k",
        "CROSSWIND_LOG": "debug",
        "SERVER__LISTEN": "not ours",
    }
    overrides = {"server.queue_timeout_seconds": 3, "server": {"listen": None}}
    config = load(path, overrides=overrides, environment=environment)
    assert config.server.plan_cache_size == 1
    assert config.server.max_concurrent_queries == 2
    assert config.server.queue_timeout_seconds == 3
    assert config.sources["notes"].options == {"storage_options": {"key": "k"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[server]\n\nlisen = "x"',
            "crosswind.toml:3: unknown key 'lisen' in [server]; did you mean 'listen'?",
        ),
        (
            "[servr]",
            "crosswind.toml:1: unknown key 'servr' in the configuration; did you mean 'server'?",
        ),
        (
            'a = """\n[server]\n"""\n',
            "crosswind.toml:1: unknown key 'a' in the configuration",
        ),
        (
            '[sources.s]\nconnector = "files"\nlink = { rtt = 3 }',
            "crosswind.toml:3: unknown key 'rtt' in [sources.s.link]; did you mean 'rtt_ms'?",
        ),
        (
            '[sources.s]\nconnector = "files"\nlink = { mbps = 0.0001 }',
            "crosswind.toml:3: 'mbps' in [sources.s.link]: expected greater than or equal to 0.001",
        ),
        (
            '[sources.s]\nroot = "x"',
            "crosswind.toml:1: [sources.s] needs the key 'connector'",
        ),
        (
            "[server]\nmax_concurrent_queries = 0",
            "crosswind.toml:2: 'max_concurrent_queries' in [server]: expected greater than 0",
        ),
        (
            '[server]\nmemory_limit = "2 apples"',
            "crosswind.toml:2: 'memory_limit' in [server]: "
            'expected a size such as "2GiB", "512MiB" or a number of bytes',
        ),
        (
            '[server]\nlisten = "grpc+tls://0.0.0.0:1"',
            "crosswind.toml:2: 'listen' in [server]: "
            "TLS is not supported in this version; listen on grpc://HOST:PORT",
        ),
        (
            '[server]\nlisten = "127.0.0.1:99"',
            "crosswind.toml:2: 'listen' in [server]: expected grpc://HOST:PORT",
        ),
        (
            '[server]\nlisten = "grpc://h:99999"',
            "crosswind.toml:2: 'listen' in [server]: "
            "expected grpc://HOST:PORT with a port from 0 to 65535",
        ),
        ("server = 3", "crosswind.toml:1: 'server' in the configuration: expected a table"),
        ("\nsources = 3", "crosswind.toml:2: 'sources' is not a table; write [sources.NAME]"),
        (
            '[sources.Shop]\nconnector = "files"',
            "crosswind.toml:1: source name 'Shop' is not an SQL identifier: "
            "lower-case letters, digits and underscores, not beginning with a digit",
        ),
        *(
            (
                f'[sources.{name}]\nconnector = "files"',
                f"crosswind.toml:1: source name {name!r} is that of the server's own tables; "
                "choose another",
            )
            for name in ("crosswind", "information_schema")
        ),
        (
            '[server]\ntemp_directory = "/nowhere/at/all"',
            "crosswind.toml:2: 'temp_directory' in [server]: '/nowhere/at/all' is no directory",
        ),
        (
            '[sources.s]\nconnector = "files"\nroot = { env = "NOT_SET" }',
            "crosswind.toml:3: 'root' in [sources.s] needs the environment variable NOT_SET, "
            "which is not set",
        ),
        (
            "\n[server\n",
            "crosswind.toml:2: not TOML: expected ']' at the end of a table declaration",
        ),
        ('[server]\n\nlisten = "x', "crosswind.toml:3: not TOML: unterminated string"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert failure(tmp_path, text) == expected


def test_a_wrong_variable_or_flag_is_named(tmp_path: Path) -> None:
    message = failure(tmp_path, "", {"CROSSWIND_SERVER__LISEN": "x"})
    assert message.startswith("environment variable CROSSWIND_SERVER__LISEN: unknown key 'lisen'")
    with pytest.raises(ConfigurationError, match=r"flag server\.plan_cache_size: "):
        load(write(tmp_path, ""), overrides={"server": {"plan_cache_size": -1}}, environment={})


def test_missing_files_are_named(tmp_path: Path) -> None:
    message = failure(tmp_path, '[sources.s]\nconnector = "files"\nroot = { file = "gone" }')
    assert message.startswith("crosswind.toml:3: 'root' in [sources.s] needs the file ")
    with pytest.raises(ConfigurationError, match=r"none\.toml: cannot be read: No such file"):
        load(tmp_path / "none.toml")


def test_the_options_of_a_connector_are_refused_with_their_line(tmp_path: Path) -> None:
    text = '[sources.lake]\nconnector = "files"\nroot = "x"\n\ncsv.headr = true\n'
    path = write(tmp_path, text)
    config = load(path, environment={})
    lake = config.sources["lake"]
    with pytest.raises(ConfigurationError) as caught:
        registry.create(lake.connector, lake.name, lake.options, locate=config.locate)
    assert caught.value.message == (
        f"{path}:5: unknown key 'headr' in [sources.lake.csv]; did you mean 'header'?"
    )


def test_a_mapping_is_checked_like_a_file() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Config.from_mapping({"server": {"lisen": 1}})
    assert caught.value.message == "unknown key 'lisen' in [server]; did you mean 'listen'?"


def test_lines_are_found_through_every_kind_of_value() -> None:
    lines = key_lines(
        "top = [\n  1, { a = 2 }, # ] }\n]\n"
        's = "a # [x]\\" = "\n'
        "m = '''\nkey = 1\n'''\n"
        '[a . "b.c"]\n'
        "d.e = 1979-05-27T07:32:00Z\n"
        "f = { g = { h = [1.5, 'x'] }, 'i j' = true }\n"
        "[[arr]]\nk = 1\n[[arr]]\nk = 2\n"
    )
    assert lines["top",] == 1
    assert lines["top", "a"] == 2
    assert lines["s",] == 4
    assert lines["m",] == 5
    assert lines["a", "b.c"] == 8
    assert lines["a", "b.c", "d", "e"] == 9
    assert lines["a", "b.c", "f", "g", "h"] == 10
    assert lines["a", "b.c", "f", "i j"] == 10
    assert lines["arr", "k"] == 12
    assert ("key",) not in lines
