"""The profiles of the connector of files: by what they are, and by where they lie.

Where only the place differs, the files are Parquet.
"""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import fastavro
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.conformance import Place, Profile
from tests import azure_server as azure
from tests.connectors.profiles import DECIMALS, EVERY, GROUP_ROWS, file_waivers
from tests.gcs_server import gcs_server
from tests.postgres_server import free_port
from tests.s3_server import SECRET, s3_server
from tests.web_server import web_server

_LISTED = pa.list_(pa.int32())

_SILENT = (
    "what_is_left_or_cancelled_ends_at_the_source",
    "cancel_while_it_is_silent",
    "a_deadline_while_it_is_silent",
)


def parquet() -> Profile:
    """A folder of Parquet files on this disk, which the engine reads itself."""

    def write(path: Path, table: pa.Table) -> None:
        pq.write_table(table, path, row_group_size=GROUP_ROWS)

    return Profile(
        connector="files",
        opened=_in_folder("parquet", write),
        holds={**EVERY, _LISTED: _LISTED},
        waivers={**file_waivers(), **_engine_waivers()},
    )


def _in_folder(
    suffix: str, write: Callable[[Path, pa.Table], None]
) -> Callable[[Mapping[str, pa.Table]], AbstractContextManager[Place]]:
    """A folder of files, one for each table."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="crosswind-kit-") as folder:
            root, other = Path(folder, "lake"), Path(folder, "other")
            other.mkdir()
            root.mkdir()

            def make(name: str, table: pa.Table) -> None:
                write(root / f"{name}.{suffix}", table)

            for name, table in tables.items():
                make(name, table)
            yield Place(
                {"root": str(root)},
                unreachable={"root": str(Path(folder, "absent"))},
                other={"root": str(other)},
                add=lambda name: make(name, pa.table({"a": [1]})),
                alter=lambda name: make(name, tables[name].drop_columns(["a"])),
            )

    return opened


def _engine_waivers() -> dict[str, str]:
    return {
        "a_deadline_that_has_passed": "the engine reads the files; it is stopped by a cancel",
        "a_deadline_in_mid_stream": "the engine reads the files; it is stopped by a cancel",
    }


def remote_parquet() -> Profile:
    """Parquet files in a file system that only fsspec knows, read by Arrow."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        system = fsspec.filesystem("memory")
        root = "/kit-" + uuid.uuid4().hex

        def write(name: str, table: pa.Table) -> None:
            with system.open(f"{root}/{name}.parquet", "wb") as file:
                pq.write_table(table, file, row_group_size=GROUP_ROWS)

        for name, table in tables.items():
            write(name, table)
        system.makedirs(f"{root}-other")
        try:
            yield Place(
                {"root": f"memory:/{root}"},
                unreachable={"root": f"memory:/{root}-absent"},
                other={"root": f"memory:/{root}-other"},
                add=lambda name: write(name, pa.table({"a": [1]})),
                alter=lambda name: write(name, tables[name].drop_columns(["a"])),
            )
        finally:
            system.rm(root, recursive=True)

    return Profile(
        connector="files",
        opened=opened,
        holds={**EVERY, _LISTED: _LISTED},
        waivers=file_waivers(),
    )


def _in_a_store(
    scheme: str,
    tables: Mapping[str, pa.Table],
    options: Mapping[str, object],
    write: Callable[[str, pa.Table], None],
    unreachable: dict[str, object] | None = None,
) -> Place:
    """A folder of a bucket with the tables, as `write` puts them there.

    Args:
        unreachable: instead of a bucket that is absent: some clients try a closed port for long.
    """
    for name, table in tables.items():
        write(name, table)
    absent = {"root": f"{scheme}://absent/lake", "storage_options": options}
    return Place(
        {"root": f"{scheme}://kit/lake", "storage_options": options},
        unreachable=unreachable or absent,
        other={"root": f"{scheme}://other/lake", "storage_options": options},
        add=lambda name: write(name, pa.table({"a": [1]})),
        alter=lambda name: write(name, tables[name].drop_columns(["a"])),
    )


def _of_a_store(
    opened: Callable[[Mapping[str, pa.Table]], AbstractContextManager[Place]],
    waivers: Mapping[str, str],
) -> Profile:
    """Of Parquet files that the engine reads itself."""
    return Profile(
        connector="files",
        opened=opened,
        holds={**EVERY, _LISTED: _LISTED},
        waivers={**_engine_waivers(), **waivers},
    )


def s3_parquet() -> Profile:
    """Parquet files in a bucket, which the engine reads itself."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with s3_server("kit", "other") as server:
            system = server.filesystem()

            def write(name: str, table: pa.Table) -> None:
                with system.open(f"kit/lake/{name}.parquet", "wb") as file:
                    pq.write_table(table, file, row_group_size=GROUP_ROWS)

            options = server.storage_options
            nowhere = {**options, "endpoint_url": f"http://127.0.0.1:{free_port()}"}
            unreachable = {"root": "s3://kit/lake", "storage_options": nowhere}
            place = _in_a_store("s3", tables, options, write, unreachable)
            yield replace(place, secret=SECRET)

    return _of_a_store(
        opened,
        {
            **{k: v for k, v in file_waivers().items() if k != "no_secret_is_shown"},
            "a_refusal_names_the_source": "the server of the tests lets everybody in",
            "a_place_that_dies_in_mid_stream_fails_the_query": (
                "the engine's reader tries again for three minutes; a query's deadline ends it"
            ),
        },
    )


def gcs_parquet() -> Profile:
    """Parquet files in Google's store, which the engine reads itself."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with gcs_server("kit", "other") as server:
            system = server.filesystem()

            def write(name: str, table: pa.Table) -> None:
                # Larger pieces make aiohttp warn.
                with system.open(f"kit/lake/{name}.parquet", "wb", block_size=1 << 19) as file:
                    pq.write_table(table, file, row_group_size=GROUP_ROWS)

            yield _in_a_store("gs", tables, server.storage_options, write)

    return _of_a_store(
        opened,
        {
            **file_waivers(),
            "no_secret_is_shown": "the emulator takes no login: see test_gcs.py",
            "a_refusal_names_the_source": "the emulator lets everybody in",
        },
    )


def azure_parquet() -> Profile:
    """Parquet files in Azure's store, which the engine reads itself."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with azure.azure_server("kit", "other") as server:

            def write(name: str, table: pa.Table) -> None:
                server.containers["kit"][f"lake/{name}.parquet"] = _written(table)

            place = _in_a_store("az", tables, server.storage_options, write)
            yield replace(place, secret=azure.KEY)

    return _of_a_store(
        opened,
        {
            **{k: v for k, v in file_waivers().items() if k != "no_secret_is_shown"},
            "a_refusal_names_the_source": "the server of the tests lets everybody in",
        },
    )


def _written(table: pa.Table) -> bytes:
    """A Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=GROUP_ROWS)
    return sink.getvalue()


def http_parquet() -> Profile:
    """Parquet files on a web server that wants a token, read by Arrow."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with web_server() as site:
            site.token = SECRET

            def write(name: str, table: pa.Table) -> None:
                site.files[f"/lake/{name}.parquet"] = _written(table)

            for name, table in tables.items():
                write(name, table)

            def given(url: str, token: str = SECRET, folder: str = "lake") -> dict[str, object]:
                headers = {"Authorization": f"Bearer {token}"}
                return {
                    "root": f"{url}/{folder}",
                    "tables": {name: f"{name}.parquet" for name in tables},
                    "storage_options": {"client_kwargs": {"headers": headers}},
                }

            yield Place(
                given(site.url),
                unreachable=given(f"http://127.0.0.1:{free_port()}"),
                refused=given(site.url, "not-the-token"),
                other=given(site.url, folder="other"),
                secret=SECRET,
                alter=lambda name: write(name, tables[name].drop_columns(["a"])),
            )

    return Profile(
        connector="files",
        opened=opened,
        holds={**EVERY, _LISTED: _LISTED},
        waivers={
            **{check: reason for check, reason in file_waivers().items() if check in _SILENT},
            "a_new_table_is_seen_after_refresh": "its tables are named in the configuration",
            "a_place_that_dies_in_mid_stream_fails_the_query": (
                "the kit's rows are so small when packed that all are asked for at once"
            ),
        },
    )


def avro() -> Profile:
    """A folder of Avro files on this disk, which the engine reads itself."""
    types: dict[pa.DataType, object] = {
        pa.bool_(): "boolean",
        pa.int32(): "int",
        pa.int64(): "long",
        pa.float32(): "float",
        pa.float64(): "double",
        pa.string(): "string",
        pa.binary(): "bytes",
        pa.date32(): {"type": "int", "logicalType": "date"},
        pa.time64("us"): {"type": "long", "logicalType": "time-micros"},
        pa.timestamp("us"): {"type": "long", "logicalType": "local-timestamp-micros"},
        pa.timestamp("us", tz="UTC"): {"type": "long", "logicalType": "timestamp-micros"},
        _LISTED: {"type": "array", "items": ["null", "int"]},
        **{
            t: {
                "type": "bytes",
                "logicalType": "decimal",
                "precision": t.precision,
                "scale": t.scale,
            }
            for t in DECIMALS
        },
    }

    def write(path: Path, table: pa.Table) -> None:
        fields = [{"name": f.name, "type": ["null", types[f.type]]} for f in table.schema]
        schema = {"type": "record", "name": "row", "fields": fields}
        with path.open("wb") as file:
            fastavro.writer(file, schema, table.to_pylist(), "deflate", codec_compression_level=1)

    return Profile(
        connector="files",
        opened=_in_folder("avro", write),
        holds={t: t for t in types},
        waivers={**file_waivers(), **_engine_waivers()},
    )
