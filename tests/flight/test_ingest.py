"""Bulk ingestion: what clients send becomes tables of a memory source that takes them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import polars
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from connectors.contract import Fragment, Ingest, Moment, Steady, TableName, TableScan
from connectors.errors import QueueFullError, RequestError, SizeLimitError
from connectors.memory import MemoryConnector, create
from flight_server.commands import encode
from flight_server.proto import flight_sql_pb2 as pb
from planner.catalog import Source

from .conftest import Running, Start
from .waiting import reached

ROWS = pa.table({"id": [1, 2, 3], "name": ["a", None, "c"]})
MORE = pa.table({"name": ["d"], "id": [4]})
EVERY_ID = [1, 2, 3, 4]

_DEFINITION = pb.CommandStatementIngest.TableDefinitionOptions
CREATE = _DEFINITION(if_not_exist=1, if_exists=1)


@pytest.fixture
def scratch() -> MemoryConnector:
    return create("scratch", {"ingest": True, "max_megabytes": 1})


@pytest.fixture
def running(start: Start, scratch: MemoryConnector) -> Running:
    return start(others=(Source("scratch", scratch),))


@pytest.fixture
def cursor(running: Running) -> Iterator[Any]:
    with running.connect() as connection, connection.cursor() as opened:
        yield opened


def answer(cursor: Any, sql: str) -> pa.Table:
    cursor.execute(sql)
    return cursor.fetch_arrow_table()


def ids(cursor: Any) -> list[int]:
    got: list[int] = answer(cursor, "SELECT id FROM scratch.t ORDER BY id")["id"].to_pylist()
    return got


def put(running: Running, command: pb.CommandStatementIngest, *batches: pa.RecordBatch) -> int:
    """Send an ingestion as no driver would; how many rows the server says that it took."""
    descriptor = fl.FlightDescriptor.for_command(encode(command))
    with running.flight() as client:
        writer, results = client.do_put(descriptor, batches[0].schema)
        with writer:
            for batch in batches:
                writer.write_batch(batch)
            writer.done_writing()
            return int(pb.DoPutUpdateResult.FromString(results.read().to_pybytes()).record_count)


# --- what it does ---


def test_each_mode_does_what_it_says(cursor: Any) -> None:
    assert cursor.adbc_ingest("t", ROWS, mode="create") == 3
    assert answer(cursor, "SELECT * FROM scratch.t").to_pylist() == ROWS.to_pylist()
    assert cursor.adbc_ingest("t", MORE, mode="append") == 1
    assert ids(cursor) == EVERY_ID
    assert cursor.adbc_ingest("t", MORE, mode="replace") == 1
    assert ids(cursor) == [4]
    assert cursor.adbc_ingest("t", ROWS, mode="create_append") == 3
    assert ids(cursor) == EVERY_ID
    assert cursor.adbc_ingest("new", ROWS, mode="create_append") == 3
    assert cursor.adbc_ingest("newer", ROWS, mode="replace") == 3
    assert answer(cursor, "SELECT count(*) AS n FROM new, newer")["n"].to_pylist() == [9]


def test_a_table_that_is_there_or_is_not_is_said_and_kept(cursor: Any) -> None:
    with pytest.raises(flightsql.Error, match=r"source 'scratch': there is no table 'main\.t'"):
        cursor.adbc_ingest("t", ROWS, mode="append")
    cursor.adbc_ingest("t", ROWS)
    with pytest.raises(flightsql.Error, match=r"table 'main\.t' is there already"):
        cursor.adbc_ingest("t", MORE, mode="create")
    assert ids(cursor) == [1, 2, 3]


def test_its_tables_meet_those_of_other_sources(cursor: Any) -> None:
    cursor.adbc_ingest("wanted", ROWS)
    sql = "SELECT i.name FROM shop.items i JOIN scratch.wanted w ON i.id = w.id ORDER BY 1"
    assert answer(cursor, sql)["name"].to_pylist() == ["item 1", "item 2", "item 3"]


def test_a_table_of_other_columns_is_planned_anew(cursor: Any) -> None:
    cursor.adbc_ingest("t", ROWS)
    assert answer(cursor, "SELECT * FROM t").column_names == ["id", "name"]
    cursor.adbc_ingest("t", pa.table({"other": [1.5]}), mode="replace")
    assert answer(cursor, "SELECT * FROM t").to_pydict() == {"other": [1.5]}


def test_values_of_every_form_arrive_in_plain_types(cursor: Any) -> None:
    texts = ["é", None, ""]
    sent = {
        "large": pa.array(texts, pa.large_string()),
        "view": pa.array(texts, pa.string_view()),
        "dictionary": pa.array(texts).dictionary_encode(),
        "numbers": pa.array([7, None, 7], pa.int16()).dictionary_encode(),
        "bytes": pa.array([b"\0", None, b""], pa.large_binary()),
        "money": pa.array([Decimal("1.10"), None, Decimal("-1.10")], pa.decimal128(38, 2)),
        "moment": pa.array([0, None, 1], pa.timestamp("us", "UTC")),
        "list": pa.array([[1], None, []], pa.list_(pa.int32())),
        "struct": pa.array([{"a": 1}, None, {"a": None}], pa.struct([("a", pa.int64())])),
    }
    cursor.adbc_ingest("t", pa.table(sent))
    got = answer(cursor, "SELECT * FROM t")
    assert got.to_pylist() == pa.table(sent).to_pylist()
    types = dict(zip(got.schema.names, got.schema.types, strict=True))
    assert {types[name] for name in ("large", "view", "dictionary")} == {pa.string()}
    assert (types["numbers"], types["bytes"]) == (pa.int16(), pa.binary())
    assert types["list"] == pa.list_(pa.int32())


def test_no_rows_make_a_table_without_rows(cursor: Any) -> None:
    # The driver sends nothing at all of a table that has not even one batch.
    nothing = pa.RecordBatch.from_pylist([], ROWS.schema)
    assert cursor.adbc_ingest("t", pa.RecordBatchReader.from_batches(ROWS.schema, [nothing])) == 0
    assert ids(cursor) == []


def test_rows_that_come_at_once_all_arrive(running: Running, cursor: Any) -> None:
    def send(number: int) -> None:
        with running.connect() as connection, connection.cursor() as own:
            own.adbc_ingest("t", pa.table({"id": [number]}), mode="create_append")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(40)))
    assert ids(cursor) == list(range(40))


def test_a_query_has_the_table_as_it_was_when_it_began(cursor: Any, running: Running) -> None:
    cursor.adbc_ingest("t", ROWS)
    cursor.execute("SELECT id FROM scratch.t")
    with running.connect() as connection, connection.cursor() as other:
        other.adbc_ingest("t", MORE, mode="append")
        assert ids(other) == EVERY_ID


def test_polars_writes(running: Running, cursor: Any) -> None:
    with running.connect() as connection:
        frame = polars.DataFrame({"id": [1, 2], "day": [datetime.date(2024, 2, 29), None]})
        assert frame.write_database("t", connection, if_table_exists="replace") == 2
    assert ids(cursor) == [1, 2]


def test_the_server_says_that_it_takes_rows(running: Running, start: Start) -> None:
    asked = (pb.FLIGHT_SQL_SERVER_READ_ONLY, pb.FLIGHT_SQL_SERVER_BULK_INGESTION)
    closed = start(others=(Source("scratch", create("scratch", {})),))
    for server, says in ((running, [False, True]), (closed, [True, False])):
        command = encode(pb.CommandGetSqlInfo(info=asked))
        with server.flight() as client:
            got = client.do_get(fl.Ticket(command)).read_all()
        assert got["value"].to_pylist() == says


# --- where it goes ---


def test_the_catalog_names_the_source(start: Start) -> None:
    both = [create(name, {"ingest": True}) for name in ("east", "west")]
    shut = create("shut", {})
    running = start(others=tuple(Source(c.name, c) for c in (*both, shut)))
    with running.connect() as connection, connection.cursor() as cursor:
        with pytest.raises(flightsql.Error, match="several sources take tables: east, west"):
            cursor.adbc_ingest("t", ROWS)
        cursor.adbc_ingest("t", ROWS, catalog_name="west", db_schema_name="main")
        assert answer(cursor, "SELECT count(*) AS n FROM west.main.t")["n"].to_pylist() == [3]
        for source, reason in {
            "shut": r"\[access.forbidden\] source 'shut': it takes no rows.*ingest = true",
            "shop": r"\[access.forbidden\] source 'shop': it is only read",
            "nowhere": r"source 'nowhere' does not exist. Known sources: east, shop, shut, west",
        }.items():
            with pytest.raises(flightsql.Error, match=reason):
                cursor.adbc_ingest("t", ROWS, catalog_name=source)
        with pytest.raises(flightsql.Error, match="The only schema is 'main'"):
            cursor.adbc_ingest("t", ROWS, catalog_name="east", db_schema_name="other")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"table_definition_options": _DEFINITION(if_not_exist=1)}, "does not say what to do"),
        ({"table_definition_options": _DEFINITION(if_exists=1)}, "does not say what to do"),
        ({"temporary": True}, "temporary tables are not supported"),
        ({"transaction_id": b"x"}, "transactions are not supported"),
        ({"options": {"fast": "1"}}, "the option 'fast'"),
        ({"table": ""}, "no name of a table"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    wrong: dict[str, Any], reason: str, running: Running, scratch: MemoryConnector
) -> None:
    given = {"table": "t", "table_definition_options": CREATE, **wrong}
    with pytest.raises((pa.ArrowInvalid, NotImplementedError), match=reason):
        put(running, pb.CommandStatementIngest(**given), ROWS.to_batches()[0])
    assert scratch.tables().names() == []


# --- what is not taken, and leaves nothing ---


def _bad_text() -> pa.Table:
    text = pa.StringArray.from_buffers(
        1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")
    )
    return pa.table({"id": [1], "name": text})


REFUSED: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "another column": (lambda: pa.table({"id": [1], "town": ["x"]}), "has the columns 'id', 'name"),
    "a column less": (lambda: pa.table({"id": [1]}), "the rows have 'id'"),
    "another type": (
        lambda: pa.table({"id": ["1"], "name": ["x"]}),
        "column 'id' of table 'main.t' is int64; the rows have string",
    ),
    "a name twice": (
        lambda: pa.Table.from_arrays([pa.array([1])] * 2, ["id", "id"]),
        "'id' is there twice",
    ),
    "no text": (_bad_text, r"not valid.*[Ii]nvalid UTF8"),
    "a union": (
        lambda: pa.table(
            {"id": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])}
        ),
        "column 'id' is sparse_union",
    ),
    "too many": (
        lambda: pa.table({"id": range(100_000), "name": ["x" * 10] * 100_000}),
        r"\[limit.size\] source 'scratch': .*more than 1 MiB",
    ),
    "few values, often": (
        lambda: pa.table(
            {
                "id": range(1_000),
                "name": pa.DictionaryArray.from_arrays(pa.array([0] * 1_000), ["x" * 10_000]),
            }
        ),
        r"\[limit.size\] source 'scratch': .*more than 1 MiB",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_rows_that_cannot_be_taken_change_nothing(name: str, running: Running, cursor: Any) -> None:
    cursor.adbc_ingest("t", ROWS)
    rows, reason = REFUSED[name]
    command = pb.CommandStatementIngest(
        table="t", table_definition_options=_DEFINITION(if_not_exist=1, if_exists=2)
    )
    with pytest.raises(pa.ArrowException, match=reason):
        put(running, command, *rows().to_batches(max_chunksize=10_000))
    assert ids(cursor) == [1, 2, 3]
    assert cursor.adbc_ingest("t", MORE, mode="append") == 1


def test_a_null_stays_out_of_what_has_none(running: Running, cursor: Any) -> None:
    strict = pa.schema([pa.field("id", pa.int64(), nullable=False)])
    cursor.adbc_ingest("t", pa.table({"id": [1]}, schema=strict))
    command = pb.CommandStatementIngest(table="new", table_definition_options=CREATE)
    lies = pa.RecordBatch.from_arrays([pa.array([1, None])], schema=strict)
    with pytest.raises(pa.ArrowException, match="'id' is NOT NULL"):
        put(running, command, lies)
    with pytest.raises(flightsql.Error, match="'id' is NOT NULL"):
        cursor.adbc_ingest("t", pa.table({"id": [2, None]}), mode="append")
    assert ids(cursor) == [1]


def test_what_was_refused_takes_no_room(cursor: Any) -> None:
    fits = pa.table({"id": range(100_000)})
    for _ in range(3):
        with pytest.raises(flightsql.Error, match=r"limit\.size"):
            cursor.adbc_ingest("t", pa.concat_tables([fits, fits]))
    assert cursor.adbc_ingest("t", fits) == 100_000
    with pytest.raises(flightsql.Error, match=r"limit\.size"):
        cursor.adbc_ingest("t", fits, mode="append")
    assert len(ids(cursor)) == 100_000


def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    running: Running, scratch: MemoryConnector, cursor: Any
) -> None:
    def breaks() -> Iterator[pa.RecordBatch]:
        yield from pa.table({"id": range(60_000)}).to_batches()
        raise RuntimeError("the client's own")

    for _ in range(3):
        reader = pa.RecordBatchReader.from_batches(pa.schema([("id", pa.int64())]), breaks())
        with pytest.raises((flightsql.Error, RuntimeError)):
            cursor.adbc_ingest("t", reader)
    assert scratch.tables().names() == []

    def fits() -> bool:
        try:
            return bool(cursor.adbc_ingest("t", pa.table({"id": range(100_000)})) == 100_000)
        except flightsql.Error as error:
            assert "[limit.queue]" in str(error)
            return False

    # Neither is its room taken, when the server has noticed: the next one fits.
    reached(fits)


# --- what is made to deceive ---


def sent(column: pa.Array) -> pa.RecordBatch:
    return pa.record_batch({"id": column})


def take(scratch: MemoryConnector, *batches: pa.RecordBatch, present: Any = "fail") -> int:
    into = Ingest(TableName("", "t"), "create", present)
    return scratch.ingest(into, batches[0].schema, iter(batches))


def _not_utf8(schema: pa.Schema, text: bytes) -> pa.Schema:
    serialized = schema.serialize().to_pybytes().replace(text, b"\xff" * len(text))
    return pa.ipc.read_schema(pa.py_buffer(serialized))


def _shared_views(rows: int) -> pa.Array:
    """Many values, all in one place."""
    view = pa.array(["x" * 10_000], pa.string_view()).buffers()
    views = pa.py_buffer(view[1].to_pybytes()[:16] * rows)
    return pa.Array.from_buffers(pa.string_view(), rows, [None, views, view[2]])


def test_what_is_kept_is_what_is_counted(scratch: MemoryConnector) -> None:
    before = pa.total_allocated_bytes()
    large = pa.array(["x" * 8_000_000, "hello"], pa.large_string())
    assert take(scratch, sent(large.slice(1))) == 1
    del large
    assert pa.total_allocated_bytes() - before < 1_000_000


@pytest.mark.parametrize(
    "column",
    [
        _shared_views(1_000),
        _shared_views(1_000).slice(3, 500),
        pa.DictionaryArray.from_arrays(
            pa.array([0] * 1_000), pa.array(["x" * 10_000, *"abcdefghij" * 50], pa.string_view())
        ),
        pa.nulls(20_000_000),
    ],
)
def test_little_that_means_much_is_refused(column: pa.Array, scratch: MemoryConnector) -> None:
    with pytest.raises(SizeLimitError):
        take(scratch, sent(column))


def test_views_that_fit_are_taken(scratch: MemoryConnector) -> None:
    views = pa.array(["skipped", "x" * 20, None, "é"], pa.string_view()).slice(1)
    assert take(scratch, sent(views)) == 3


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (_not_utf8(pa.schema([("abcdef", pa.int8())]), b"abcdef"), "not UTF-8"),
        (_not_utf8(pa.schema([("id", pa.timestamp("s", "abcdef"))]), b"abcdef"), "not UTF-8"),
        (_not_utf8(pa.schema([("id", pa.struct([("qqq", pa.int8())]))]), b"qqq"), "not UTF-8"),
        (pa.schema([(str(n), pa.int8()) for n in range(10_001)]), "10000 are the most"),
        (pa.schema([("id", pa.struct([]))]), "no table here can hold"),
        (pa.schema([("id", pa.list_(pa.binary(0)))]), "no table here can hold"),
        (pa.schema([("id", pa.binary(0))]), "no table here can hold"),
        (
            pa.schema([("id", pa.dictionary(pa.int8(), pa.list_(pa.int8())))]),
            "no table here can hold",
        ),
        (
            pa.schema([("id", pa.dictionary(pa.int8(), pa.dictionary(pa.int8(), pa.string())))]),
            "no table here can hold",
        ),
    ],
)
def test_columns_that_are_none_are_refused(
    schema: pa.Schema, reason: str, scratch: MemoryConnector
) -> None:
    with pytest.raises(RequestError, match=reason):
        scratch.ingest(Ingest(TableName("", "t"), "create", "fail"), schema, iter(()))


@pytest.mark.parametrize("present", ["fail", "append", "replace"])
def test_many_small_batches_become_one(present: str, scratch: MemoryConnector) -> None:
    batches = [sent(pa.array([number])) for number in range(1_500)]
    empty = sent(pa.array([], pa.int64()))
    assert take(scratch, empty, *batches, empty, present=present) == 1_500
    assert [b.num_rows for b in scan(scratch)] == [1_500]


def test_rows_of_others_on_their_way_are_worth_waiting_for(scratch: MemoryConnector) -> None:
    half = sent(pa.array(range(80_000)))

    def meanwhile() -> Iterator[pa.RecordBatch]:
        yield half
        with pytest.raises(QueueFullError) as refused:
            take(scratch, half)
        assert refused.value.retryable

    into = Ingest(TableName("", "other"), "create", "fail")
    scratch.ingest(into, half.schema, meanwhile())
    with pytest.raises(SizeLimitError):
        take(scratch, half)


def test_a_query_sees_one_moment(scratch: MemoryConnector) -> None:
    take(scratch, sent(pa.array([1])))
    assert isinstance(scratch, Steady)
    moment = scratch.moment(2, 2, None)  # type: ignore[arg-type]
    take(scratch, sent(pa.array([2])), present="append")
    assert pa.Table.from_batches(scan(moment))["id"].to_pylist() == [1]
    moment.close()
    assert pa.Table.from_batches(scan(scratch))["id"].to_pylist() == [1, 2]


def scan(moment: Moment) -> list[pa.RecordBatch]:
    fragment = Fragment(TableScan(TableName("main", "t"), ("id",)), pa.schema([("id", pa.int64())]))
    return list(moment.execute(fragment, None))
