"""How fast a Parquet lake on S3 is read: by DataFusion alone, by a bare server, by Crosswind.

Owns the lake, the queries, the rounds and their order. The S3 server is `bucket_server`: the same
for all of them, quick, and on this machine, so that what is measured is the readers. Crosswind is
measured twice: its planner, connector and engine in one process, as DataFusion alone, and its
server, whose answer an ADBC client reads.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks import peers
from benchmarks.bucket_server import STORAGE_OPTIONS, bucket_server
from benchmarks.peers import Peer
from benchmarks.report import Comparison, Measured
from benchmarks.streaming import drain
from flight_server.config import Config
from flight_server.service import open_catalog, open_queries, watch_links

BUCKET, TABLE, PARTS = "lake", "lineitem", 16

IN_PROCESS = {
    "DataFusion": "views",
    "DataFusion, plain texts": "plain",
    "Crosswind, in process": "crosswind",
}
"""What reads batches and drops them, without a server. DataFusion reads texts as views where it is
let, which no client is sent, and groups by them sooner."""

LATENCIES_MS = (0.0, 20.0)
"""Before each answer of the store: of a disk that is near, and of S3 in one's own region."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One query, the same for all."""

    title: str
    sql: str


VARIANTS = (
    Variant(
        "an aggregate",
        "SELECT l_returnflag, l_linestatus, sum(l_quantity) AS quantity,"
        " sum(l_extendedprice * (1 - l_discount)) AS price, avg(l_tax) AS tax, count(*) AS n"
        " FROM lineitem GROUP BY l_returnflag, l_linestatus",
    ),
    Variant(
        "5 of 16 columns, whole",
        "SELECT l_orderkey, l_partkey, l_suppkey, l_quantity, l_extendedprice FROM lineitem",
    ),
    Variant("all columns, whole", "SELECT * FROM lineitem"),
)


@dataclass(frozen=True, slots=True)
class Drained:
    """One answer, read to its end and thrown away."""

    rows: int
    seconds: float
    cpu_seconds: float


def lake(scale: float, cache: Path) -> Path:
    """The folder that holds the bucket; generated unless the cache has it."""
    root = cache / f"tpch-{scale:g}-parts"
    if not root.exists():
        unfinished = cache / f"tpch-{scale:g}-parts.unfinished"
        program = Path(sys.executable).parent / "tpchgen-cli"
        command = [
            str(program) if program.exists() else program.name,
            "parquet",
            "-s",
            f"{scale:g}",
        ]
        command += [f"--tables={TABLE}", f"--parts={PARTS}"]
        subprocess.run([*command, f"--output-dir={unfinished / BUCKET}"], check=True)
        unfinished.rename(root)
    return root


def measure(root: Path, rounds: int, say: Callable[[str], None]) -> list[Comparison]:
    """Compare the readers, for each query and latency.

    Args:
        root: see `lake`.
        rounds: in each, every reader answers once; one more before them warms up.
        say: told what happens now.
    """
    return [
        _compare(variant, root, latency_ms, rounds, say)
        for latency_ms in LATENCIES_MS
        for variant in VARIANTS
    ]


def _compare(
    variant: Variant, root: Path, latency_ms: float, rounds: int, say: Callable[[str], None]
) -> Comparison:
    title = f"{variant.title}, {latency_ms:g} ms to the store"
    with ExitStack() as running:
        say(f"{title}: starting the servers")
        store = running.enter_context(bucket_server(root, latency_ms))
        readers = {
            name: running.enter_context(_in_process(store.url, variant.sql, kind))
            for name, kind in IN_PROCESS.items()
        }
        servers = [
            running.enter_context(
                peers.flight_over_bucket(store.url, BUCKET, TABLE, variant.sql),
            ),
            running.enter_context(peers.crosswind_over(_sources(store.url))),
        ]
        for server in servers:
            readers[server.name] = partial(_served, server, variant.sql)
        drained: dict[str, list[Drained]] = {name: [] for name in readers}
        for round_ in range(rounds + 1):
            say(f"{title}: round {round_} of {rounds}" if round_ else f"{title}: warming up")
            for name, read in readers.items():
                drained[name].append(read())
    rows = {name: {each.rows for each in found} for name, found in drained.items()}
    if len(set().union(*rows.values())) != 1:
        raise RuntimeError(f"the readers do not agree on the number of rows: {rows}")
    size_bytes = sum(path.stat().st_size for path in root.rglob("*.parquet"))
    return Comparison(
        title=f"{title}: {PARTS} files of {size_bytes / PARTS / 1e6:.0f} MB",
        unit="scans/s",
        more_is_better=True,
        baseline="DataFusion",
        measured=[_measured(name, found[1:]) for name, found in drained.items()],
    )


def _measured(name: str, found: Sequence[Drained]) -> Measured:
    seconds = sorted(each.seconds for each in found)[len(found) // 2]
    cpu = sorted(each.cpu_seconds for each in found)[len(found) // 2]
    note = f"{seconds:.2f} s, {cpu:.2f} s of processor in the reader"
    return Measured(name, [1 / each.seconds for each in found], note)


def _served(server: Peer, sql: str) -> Drained:
    found = drain(server, sql)
    return Drained(found.rows, found.seconds, found.server_cpu_seconds)


def _sources(store_url: str) -> dict[str, dict[str, object]]:
    """The bucket, as a configuration of Crosswind has it."""
    options = {**STORAGE_OPTIONS, "endpoint_url": store_url}
    lake = {"connector": "files", "root": f"s3://{BUCKET}", "storage_options": options}
    return {"lake": lake}


@contextmanager
def _in_process(store_url: str, sql: str, kind: str) -> Iterator[Callable[[], Drained]]:
    """A process of its own, which reads all batches and drops them whenever it is asked."""
    with peers.python_child(kind, "benchmarks.s3", store_url, sql, kind) as (_, process):
        assert process.stdin is not None
        assert process.stdout is not None
        asked, said = process.stdin, process.stdout

        def read() -> Drained:
            asked.write("\n")
            asked.flush()
            return Drained(**json.loads(said.readline()))

        yield read


def _read_when_asked(store_url: str, sql: str, kind: str) -> None:
    with ExitStack() as opened:
        if kind == "crosswind":
            rows_of = opened.enter_context(_crosswind(store_url, sql))
        else:
            rows_of = _datafusion(store_url, sql, plain=kind == "plain")
        print("ready", flush=True)
        for _ in sys.stdin:
            started, cpu = time.perf_counter(), time.process_time()
            rows = rows_of()
            read = Drained(rows, time.perf_counter() - started, time.process_time() - cpu)
            print(json.dumps(asdict(read)), flush=True)


def _datafusion(store_url: str, sql: str, *, plain: bool) -> Callable[[], int]:
    frame = peers.frame_over_bucket(store_url, BUCKET, TABLE, sql, plain=plain)
    return lambda: sum(batch.to_pyarrow().num_rows for batch in frame().execute_stream())


@contextmanager
def _crosswind(store_url: str, sql: str) -> Iterator[Callable[[], int]]:
    """All of Crosswind but for its server: plans are remembered, and each run looks at the lake."""
    config = Config.from_mapping({"sources": _sources(store_url)})
    queries = open_queries(config, open_catalog(config))
    queries.closes_first(watch_links(config, queries).close)

    def read() -> int:
        run = queries.run(queries.plan(sql), b"")
        try:
            return sum(batch.num_rows for batch in run.batches())
        finally:
            run.close()

    try:
        yield read
    finally:
        queries.close(0.0)


if __name__ == "__main__":
    _read_when_asked(*sys.argv[1:])
