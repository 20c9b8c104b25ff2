"""The demonstration, as a process, at a small scale: it ends, it leaves nothing, it remembers."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from demo import connect
from demo.sent import read_parts
from tests.processes import CROSSWIND, Process, run

SMALL = ("demo", "--scale", "0.01", "--directory", "da ta")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A working directory. Not pytest's own: the server may run as another user."""
    with tempfile.TemporaryDirectory(prefix="crosswind-demo-") as name:
        yield Path(name).resolve()
        left = servers_below(Path(name).resolve())
        for process in left:
            process.kill()


def servers_below(folder: Path) -> list[psutil.Process]:
    """Every process that has something in `folder` among its arguments."""
    return [
        process
        for process in psutil.process_iter(("cmdline",))
        if any(str(folder) in argument for argument in process.info["cmdline"] or ())
    ]


def started(folder: Path, *arguments: str) -> Process:
    # What a killed process leaves in its temporary folder goes with the fixture's.
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    return Process([*CROSSWIND, *SMALL, *arguments], folder, {"TMPDIR": str(temporary)})


@pytest.fixture(scope="module")
def first(folder: Path) -> str:
    """What the first run prints."""
    temporary = folder / "first"
    temporary.mkdir()
    done = run(*SMALL, cwd=folder, environment={"TMPDIR": str(temporary)})
    assert (done.returncode, done.stderr) == (0, "")
    assert not servers_below(folder)
    assert not list(temporary.glob("[!.]*"))
    return done.stdout


def test_it_asks_three_questions_of_more_than_one_source(first: str) -> None:
    questions = re.split(r"(?m)^\d\. ", first)[1:]
    assert len(questions) == 3
    for question in questions:
        _, parts = question.split("What was sent where")
        assert re.search(r"^  shop +join .*[1-9]\d* +[\d.]+ k?B +\d+ ms$", parts, re.M)
        assert re.search(r"^  lake +main\.\w+, read by the engine +[1-9]", parts, re.M)
        assert "  shop received:\n    SELECT\n" in parts
        assert re.search(r"^[1-9] rows in ", question, re.M)
    assert re.search(r"^  desk +main\.sales_targets", questions[0], re.M)


def test_each_join_in_postgres_is_one_statement(first: str) -> None:
    assert first.count("shop received:") == 3
    assert first.count("    JOIN ") == 2 + 1 + 2


def test_a_second_run_finds_the_data_again(first: str, folder: Path) -> None:
    assert "Generating TPC-H" in first
    done = run(*SMALL, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Generating" not in done.stdout
    assert answers(done.stdout) == answers(first)
    assert not servers_below(folder)


def answers(text: str) -> list[str]:
    """The rows of the answers, without what is measured."""
    return re.findall(r"^(?![✓0-9 ]).*\d$", text, re.M)


def test_what_is_half_made_is_made_anew(first: str, folder: Path) -> None:
    home = folder / "da ta" / "tpch-0.01"
    (home / "complete").unlink()
    (home / "lake" / "part.parquet").write_bytes(b"half")
    done = run(*SMALL, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Generating TPC-H" in done.stdout
    assert answers(done.stdout) == answers(first)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_leaves_nothing_and_the_next_one_works(
    folder: Path, number: signal.Signals
) -> None:
    (folder / "da ta" / "tpch-0.01" / "complete").unlink(missing_ok=True)
    process = started(folder)
    process.wait_for("Generating")
    assert process.stop(number) != 0
    process.close()
    assert not servers_below(folder)
    done = run(*SMALL, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_that_is_killed_leaves_a_server_that_the_next_one_ends(folder: Path) -> None:
    process = started(folder, "--stay")
    process.wait_for("Serving until")
    process.stop(signal.SIGKILL)
    process.close()
    assert servers_below(folder)
    done = run(*SMALL, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert not servers_below(folder)


def test_two_runs_do_not_share_a_directory(folder: Path) -> None:
    process = started(folder, "--stay")
    try:
        process.wait_for("Serving until")
        done = run(*SMALL, cwd=folder)
        assert done.returncode == 2
        assert done.stderr.startswith("error: [configuration] another demonstration runs in da ta")
        assert process.stop(signal.SIGINT) == 0
    finally:
        process.close()
    assert not servers_below(folder)


@pytest.mark.filterwarnings("ignore:Cannot disable autocommit")  # polars begins a transaction.
def test_stay_serves_what_its_snippets_ask(folder: Path) -> None:
    process = started(folder, "--stay")
    try:
        port = int(process.wait_for("jdbc:").split(":")[3].split("/")[0])
        process.wait_for("Serving until")
        printed = "\n".join(process.lines)
        for client in ("ADBC", "pandas", "polars"):
            code = connect.snippet(client, port)
            assert code in printed
            assert "MACHINERY" in output_of(code)
        assert connect.snippet("JDBC", port) in printed
        assert process.stop(signal.SIGTERM) == 0
    finally:
        process.close()
    assert not servers_below(folder)


def output_of(code: str) -> str:
    """What a program prints."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as out:
        program = Path(folder) / "program.py"
        program.write_text(code)
        runpy.run_path(str(program))
    return out.getvalue()


def test_the_generator_makes_what_postgres_then_has(tmp_path: Path, postgres_uri: str) -> None:
    from demo import tpch

    generated = tpch.generate(tmp_path / "tpch", 0.01)
    rows = tpch.load_postgres(postgres_uri, generated)
    assert set(rows) == set(tpch.TABLES)
    assert rows == tpch.load_postgres(postgres_uri, generated), "loading twice replaces"
    import adbc_driver_postgresql.dbapi as postgres

    with postgres.connect(postgres_uri) as connection, connection.cursor() as cursor:
        for table in tpch.TABLES:
            file = pq.read_table(generated / f"{table}.parquet")
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (file.num_rows,) == (rows[table],)
        cursor.execute("SELECT sum(l_extendedprice)::text, min(l_shipdate)::text FROM lineitem")
        file = pq.read_table(generated / "lineitem.parquet")
        prices, dates = (file[name].to_pylist() for name in ("l_extendedprice", "l_shipdate"))
        assert cursor.fetchone() == (str(sum(prices)), str(min(dates)))
        cursor.execute(
            "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid "
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 "
            "AND NOT attnotnull"
        )
        assert cursor.fetchone() == (0,)


def test_parts_are_read_from_explain_analyze() -> None:
    text = """\
plan: 1 fragment and 1 table read by the engine from lake, shop, the rest here
ran: 5 rows in 0.033 s, 250 B

f1 at shop: join filter of public.a,
    public.b
  expected: 667 rows, 28.7 kB, 0.0014 s (0.0010 latency + 0.0002 transfer + 0.0001 work)
  ran: 1,158 rows, 5.37 kB, 0.027 s (waited 0.000 s, first batch 0.026 s later, transfer 0.001 s)
    SELECT
      t1."x" AS "x"
    FROM "public"."a" AS t1

n1 at lake: main.c, read by the engine
  expected: 600,572 rows, 26.4 MB before filters
  ran: 600,572 rows, 6.16 MB of its files
  columns x, y

residual, run by the engine here:
  fetch 5"""
    shop, lake = read_parts(text.splitlines())
    assert (shop.source, shop.what) == ("shop", "join filter of public.a, public.b")
    assert (shop.rows, shop.size, shop.seconds) == (1158, "5.37 kB", 0.027)
    assert shop.statement == 'SELECT\n  t1."x" AS "x"\nFROM "public"."a" AS t1'
    assert (lake.rows, lake.size, lake.seconds) == (600572, "6.16 MB", None)
    assert (lake.statement, lake.is_sql) == ("columns x, y", False)
