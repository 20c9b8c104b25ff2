"""The command `crosswind`, as processes over a real PostgreSQL and real files."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flight_server.ask import sentence
from tests.processes import BOUND_SECONDS, CROSSWIND, Process, run, started

REFUSED = "postgresql://ann:hunter2@127.0.0.1:1/shop"


@pytest.fixture(scope="module")
def folder(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources and the file that configures them."""
    folder = tmp_path_factory.mktemp("cli")
    execute(
        postgres_uri,
        "CREATE TABLE items (id integer PRIMARY KEY, name text, price numeric(6,2))",
        "INSERT INTO items VALUES (1, 'pen', 1.50), (2, 'a, \"b\"', NULL), (3, '', 100)",
        "CREATE VIEW slow AS SELECT 7 AS seven FROM (SELECT pg_sleep(2)) s",
        "CREATE VIEW endless AS SELECT 7 AS seven FROM (SELECT pg_sleep(3600)) s",
    )
    lake = folder / "lake"
    lake.mkdir()
    sold = pa.table({"item": pa.array([1, 1, 3], pa.int32()), "pieces": [10, 5, 1]})
    pq.write_table(sold, lake / "sold.parquet")
    configure(folder / "crosswind.toml", postgres_uri)
    return folder


def execute(uri: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements; the rows of the last one."""
    with postgres.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def wait_for_query_at(uri: str, view: str) -> None:
    """Until PostgreSQL runs a query that reads a view."""
    asked = f"SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%\"{view}\"%'"
    end = time.monotonic() + BOUND_SECONDS
    while not execute(uri, f"{asked} AND pid <> pg_backend_pid()"):
        assert time.monotonic() < end
        time.sleep(0.02)


def configure(file: Path, uri: str) -> Path:
    file.write_text(
        f"""\
[server]
listen = "grpc://127.0.0.1:0"

[sources.shop]
connector = "postgres"
uri = "{uri}"
link = {{ rtt_ms = 20, mbps = 100 }}

[sources.lake]
connector = "files"
root = "lake"
"""
    )
    return file


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The URL of `crosswind serve`."""
    with started("serve", "-c", "crosswind.toml", cwd=folder) as process:
        yield url_of(process)
        assert process.stop() == 0


def url_of(process: Process) -> str:
    found = re.search(r"grpc://[\d.:]+", process.wait_for(" ready on "))
    assert found
    return found[0]


JOIN = (
    "SELECT name, sum(pieces) AS sold FROM items JOIN sold ON item = id GROUP BY name ORDER BY sold"
)


# --- serve ----------------------------------------------------------------------------------------


def test_serve_says_in_one_line_that_it_is_ready_and_ends_on_a_signal(folder: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with started("serve", "-c", "crosswind.toml", cwd=folder) as process:
            url = url_of(process)
            assert process.stop(number) == 0
            assert process.lines == [
                f"crosswind 0.1.0 ready on {url} — shop (postgres, 3 tables), lake (files, 1 table)"
            ]
            assert process.process.stderr is not None
            assert process.process.stderr.read() == ""


def test_serve_lets_running_queries_finish(folder: Path, postgres_uri: str) -> None:
    with started("serve", "-c", "crosswind.toml", cwd=folder) as process:
        asking = ("query", "--format", "csv", "--url", url_of(process), "SELECT seven FROM slow")
        with started(*asking, cwd=folder) as query:
            wait_for_query_at(postgres_uri, "slow")
            assert process.stop() == 0
            assert query.process.wait(BOUND_SECONDS) == 0
            query.wait_for("7")
            assert query.lines == ["seven", "7"]


def test_serve_listens_where_the_flag_says(folder: Path) -> None:
    with started(
        "serve", "-c", "crosswind.toml", "--listen", "grpc://localhost:0", cwd=folder
    ) as process:
        assert " ready on grpc://localhost:" in process.wait_for("ready")
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[server]\nlisten_on = "x"',
            "2: unknown key 'listen_on' in [server]; did you mean 'listen'?",
        ),
        (
            '[sources.a]\nconnector = "postgre"',
            "2: unknown connector 'postgre'; did you mean 'postgres'?",
        ),
        (
            '[sources.a]\nconnector = "files"\nrot = "."',
            "3: unknown key 'rot' in [sources.a]; did you mean 'root'?",
        ),
        ("[server]\nlisten = [", "2: not TOML"),
        (
            '[server]\ntemp_directory = "/nope/x"',
            "2: 'temp_directory' in [server]: '/nope/x' is no directory",
        ),
        (
            '[server]\nlisten = "http://x"',
            "2: 'listen' in [server]: expected grpc://HOST:PORT",
        ),
    ],
)
def test_a_wrong_configuration_is_one_line_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    done = run("serve", "-c", "wrong.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: [configuration] wrong.toml:")
    assert f"wrong.toml:{message}" in done.stderr


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run("serve", "-c", "none.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        done.stderr
        == "error: [configuration] none.toml: cannot be read: No such file or directory\n"
    )


def test_an_address_in_use_is_one_line(folder: Path, server: str) -> None:
    done = run("serve", "-c", "crosswind.toml", "--listen", server, cwd=folder)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: [configuration] cannot listen on {server}")
    assert done.stderr.count("\n") == 1


def test_a_source_that_cannot_be_reached_ends_serve(folder: Path) -> None:
    configure(folder / "down.toml", REFUSED)
    done = run("serve", "-c", "down.toml", cwd=folder)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "source 'shop'" in done.stderr
    assert "Connection refused" in done.stderr
    assert "hunter2" not in done.stderr


def test_serve_starts_without_a_source_when_that_is_allowed(folder: Path) -> None:
    configure(folder / "down.toml", REFUSED)
    with started("serve", "-c", "down.toml", "--allow-unreachable", cwd=folder) as process:
        line = process.wait_for("ready")
        assert "— lake (files, 1 table); without shop (" in line
        assert "hunter2" not in line
        done = run("query", "--url", url_of(process), "SELECT sum(pieces) FROM sold", cwd=folder)
        assert "16" in done.stdout
        assert process.stop() == 0


# --- query ----------------------------------------------------------------------------------------


@pytest.fixture(params=["in process", "by a server"])
def whom(request: pytest.FixtureRequest, server: str) -> list[str]:
    """The arguments that say whom `query` and `explain` ask."""
    return ["-c", "crosswind.toml"] if request.param == "in process" else ["--url", server]


def test_query_prints_a_table_with_types(folder: Path, whom: list[str]) -> None:
    done = run("query", *whom, JOIN, cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines == [["name", "sold"], ["string", "int64"], ["1"], ["pen", "15"], ["(2", "rows)"]]


def test_query_reads_standard_input(folder: Path, whom: list[str]) -> None:
    done = run(
        "query", *whom, "--format", "csv", "-", cwd=folder, stdin="SELECT max(id)\nFROM items;"
    )
    assert done.stdout.splitlines()[1:] == ["3"]


def test_query_shows_so_many_rows_and_counts_all(folder: Path, whom: list[str]) -> None:
    done = run("query", *whom, "--rows", "1", "SELECT id FROM items ORDER BY id", cwd=folder)
    assert [line.strip() for line in done.stdout.splitlines()] == [
        "id", "int32", "1", "(the first 1 of 3 rows)",
    ]  # fmt: skip


def test_query_writes_csv(folder: Path, whom: list[str]) -> None:
    done = run("query", *whom, "--format", "csv", "SELECT * FROM items ORDER BY id", cwd=folder)
    assert list(csv.reader(io.StringIO(done.stdout))) == [
        ["id", "name", "price"], ["1", "pen", "1.50"], ["2", 'a, "b"', ""], ["3", "", "100.00"],
    ]  # fmt: skip


def test_query_writes_json_with_exact_decimals(folder: Path, whom: list[str]) -> None:
    done = run("query", *whom, "--format", "json", "SELECT * FROM items ORDER BY id", cwd=folder)
    assert '"price": 1.50}' in done.stdout
    assert json.loads(done.stdout) == [
        {"id": 1, "name": "pen", "price": 1.5},
        {"id": 2, "name": 'a, "b"', "price": None},
        {"id": 3, "name": "", "price": 100.0},
    ]


def test_query_writes_no_rows_as_json(folder: Path) -> None:
    sql = "SELECT id FROM items WHERE id > 9"
    done = run("query", "-c", "crosswind.toml", "--format", "json", sql, cwd=folder)
    assert json.loads(done.stdout) == []


def test_query_writes_an_arrow_stream(folder: Path, whom: list[str]) -> None:
    done = subprocess.run(
        [*CROSSWIND, "query", *whom, "--format", "arrow", "SELECT * FROM items ORDER BY id"],
        cwd=folder, capture_output=True, check=True, timeout=BOUND_SECONDS,
    )  # fmt: skip
    table = pa.ipc.open_stream(done.stdout).read_all()
    assert table.schema.field("price").type == pa.decimal128(6, 2)
    assert table["id"].to_pylist() == [1, 2, 3]


def test_a_wrong_statement_is_one_line_with_its_place(folder: Path, whom: list[str]) -> None:
    done = run("query", *whom, "SELECT nam\nFROM items", cwd=folder)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: [request.unknown_name] line 1, column 8: ")
    assert "name" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path, whom: list[str]) -> None:
    many = f"SELECT a.id FROM {', '.join(f'items {name}' for name in 'abcdefghijk')}"
    query = subprocess.Popen(
        [*CROSSWIND, "query", *whom, "--format", "csv", many],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with query:
        assert query.stdout is not None
        assert query.stdout.readline() == "id\n"
        query.stdout.close()
        assert query.wait(BOUND_SECONDS) == 0
        assert query.stderr is not None
        assert query.stderr.read() == ""


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = run("query", "--url", "grpc://127.0.0.1:1", "SELECT 1", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: grpc://127.0.0.1:1 cannot be asked: ")
    assert "connection refused" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "SELECT 1"],
        ["query", "-c", "x", "--url", "y", "SELECT 1"],
        ["query", "-c", "x", "--option", "cuts", "SELECT 1"],
        ["serve"],
        ["qery"],
    ],
)
def test_wrong_arguments_are_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_a_query_without_a_word(
    folder: Path, postgres_uri: str, whom: list[str]
) -> None:
    with started("query", *whom, "SELECT seven FROM endless", cwd=folder) as process:
        wait_for_query_at(postgres_uri, "endless")
        assert process.stop(signal.SIGINT) == 130
        assert process.process.stderr is not None
        assert process.process.stderr.read() == ""


# --- explain, check, the rest ---------------------------------------------------------------------


def test_explain_shows_the_plan_and_analyze_what_it_took(folder: Path, whom: list[str]) -> None:
    planned = run("explain", *whom, JOIN, cwd=folder).stdout
    assert "f1 at shop: scan of public.items" in planned
    assert "  ran: " not in planned
    ran = run("explain", "--analyze", *whom, JOIN, cwd=folder).stdout
    assert "  ran: 3 rows" in ran
    assert "n1 at lake: main.sold, read by the engine" in ran


def test_explain_has_its_forms(folder: Path, whom: list[str]) -> None:
    value = json.loads(run("explain", *whom, "--format", "json", JOIN, cwd=folder).stdout)
    assert [part["source"] for part in value["parts"]] == ["shop", "lake"]
    ran = run("explain", "--analyze", "--format", "json", *whom, JOIN, cwd=folder).stdout
    assert json.loads(ran)["ran"]["rows"] == 2
    drawn = run("explain", *whom, "--format", "mermaid", JOIN, cwd=folder).stdout
    assert drawn.startswith("flowchart BT\n")


def test_query_prints_warnings_beside_the_answer(folder: Path, whom: list[str]) -> None:
    asked = ("query", *whom, "--format", "csv", "SELECT id FROM items WHERE id = 1 LIMIT 5")
    done = run(*asked, cwd=folder)
    assert done.stdout.splitlines() == ["id", "1"]
    assert done.stderr.startswith("warning: [order.not_guaranteed] ")
    assert done.stderr.count("\n") == 1
    assert run(*asked, "--quiet", cwd=folder).stderr == ""


def test_query_speaks_the_dialect_that_is_asked_for(folder: Path, whom: list[str]) -> None:
    sql = "SELECT TOP 1 [name] + '!' AS n, ISNULL(price, 0) AS p FROM items ORDER BY id"
    done = run("query", *whom, "--format", "csv", "--dialect", "tsql", sql, cwd=folder)
    assert done.stdout.splitlines() == ["n,p", "pen!,1.50"], done.stderr
    planned = run("explain", *whom, "--dialect", "tsql", sql, cwd=folder)
    assert planned.stdout.startswith("plan: ")
    wrong = run("query", *whom, "--dialect", "tsqll", sql, cwd=folder)
    assert wrong.returncode == 1
    assert "Nearest: tsql" in wrong.stderr
    assert wrong.stderr.count("\n") == 1


def test_query_pushes_as_much_as_is_asked_for(folder: Path, whom: list[str]) -> None:
    sql = "SELECT count(*) AS n FROM items WHERE id > 1"
    for how in ("proven", "none"):
        planned = run("explain", *whom, "--pushdown", how, sql, cwd=folder).stdout
        assert ("nothing is left here" in planned) == (how == "proven")
        done = run("query", *whom, "--format", "csv", "--pushdown", how, sql, cwd=folder)
        assert done.stdout.splitlines() == ["n", "2"]


def test_options_of_the_session_are_given_by_name(folder: Path, whom: list[str]) -> None:
    options = ["--option", "link.shop.mbps=3", "--option", "pushdown=none"]
    done = run("explain", *whom, *options, "SELECT name FROM items WHERE id = 1", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "planned as if the link to shop had 3 Mbit/s" in done.stdout
    assert "f1 at shop: scan of public.items" in done.stdout
    asked = ["query", *whom, "--format", "csv", *options, "SELECT name FROM items WHERE id = 1"]
    assert run(*asked, cwd=folder).stdout == "name\npen\n"
    done = run(*asked, "--option", "cutz=push", cwd=folder)
    assert (done.returncode, done.stderr.count("cutz")) == (1, 1)
    assert "Nearest: cuts" in done.stderr


def test_explain_counts_columns_in_the_text_that_was_given(folder: Path, whom: list[str]) -> None:
    done = run("explain", "--analyze", *whom, "SELECT nam FROM items", cwd=folder)
    assert done.returncode == 1
    assert "line 1, column 8: " in done.stderr


def test_check_says_of_each_source_how_it_is(folder: Path) -> None:
    done = run("check", "-c", "crosswind.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    heads, shop, lake = done.stdout.splitlines()
    assert re.split("  +", heads) == [
        "source", "connector", "reachable",
        "round trip", "rate", "from", "samples", "last seen", "tables",
    ]  # fmt: skip
    assert re.fullmatch(r"shop +postgres +yes +20 ms +100 Mbit/s +configured +3", shop)
    assert re.fullmatch(r"lake +files +yes +local +1", lake)


def test_check_fails_when_a_source_does_not_answer(folder: Path) -> None:
    configure(folder / "down.toml", REFUSED)
    done = run("check", "-c", "down.toml", cwd=folder)
    assert done.returncode == 1
    assert re.search(r"shop +postgres +connection .* Connection refused", done.stdout)
    assert re.search(r"lake +files +yes", done.stdout)
    assert "hunter2" not in done.stdout + done.stderr


def test_what_is_configured_and_not_there_is_said(folder: Path, postgres_uri: str) -> None:
    (folder / "empty").mkdir()
    (folder / "typos.toml").write_text(
        f"""\
[server]
listen = "grpc://127.0.0.1:0"

[sources.shop]
connector = "postgres"
uri = "{postgres_uri}"
default_schema = "publik"

[sources.lake]
connector = "files"
root = "lake"
tables = {{ sold = "sold.parquet", x = "nope.csv", y = "*.zzz" }}

[sources.delta]
connector = "delta"
root = "empty"
"""
    )
    said = {
        "shop": "there is no schema 'publik'; nearest: 'public'",
        "lake": f"table 'y': no data file matches '*.zzz' in 'file://{folder / 'lake'}'",
        "delta": "it has no tables",
    }
    done = run("check", "-c", "typos.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    for source, note in said.items():
        assert f"note: source {source!r}: {note}\n" in done.stdout
    assert "note: source 'lake': table 'x': no data file matches 'nope.csv' in " in done.stdout
    with started("serve", "-c", "typos.toml", cwd=folder) as process:
        process.wait_for("ready")
        assert process.stop() == 0
        assert process.process.stderr is not None
        log = process.process.stderr.read()
    assert log.count("WARNING") == 4
    for source, note in said.items():
        assert f"source {source!r}: {note}\n" in log
    done = run("query", "-c", "typos.toml", "SELECT * FROM lake.x", cwd=folder)
    assert "line 1, column 20: table 'lake.x' does not exist: no data file matches" in done.stderr
    assert "'nope.csv'" in done.stderr


def test_help_names_every_command(tmp_path: Path) -> None:
    text = run("--help", cwd=tmp_path).stdout
    for command in ("serve", "query", "explain", "check", "demo"):
        assert re.search(rf"^  {command} ", text, re.MULTILINE)
        assert run(command, "--help", cwd=tmp_path).returncode == 0
    assert run("--version", cwd=tmp_path).stdout == "crosswind 0.1.0\n"


def test_a_servers_message_comes_without_the_drivers_words() -> None:
    message = (
        "INVALID_ARGUMENT: [FlightSQL] [request.type] line 2, column 3: no (x). Detail: "
        "request.type (InvalidArgument; Prepare). Vendor code: 3"
    )
    assert sentence(message, "grpc://h:1") == "[request.type] line 2, column 3: no (x)"
