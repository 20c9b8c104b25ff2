"""Schemas to the letter, and what is in the rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from flight_server import metadata, sqlinfo
from flight_server.proto import flight_sql_pb2 as pb

from .conftest import ITEMS, ONE, Running, Start
from .scripted import ScriptedTable, rows
from .wire import action, descriptor, read


def required(name: str, type_: pa.DataType) -> pa.Field:
    return pa.field(name, type_, nullable=False)


TEXT, INT, BOOL = pa.utf8(), pa.int32(), pa.bool_()

KEYS = pa.schema(
    [
        pa.field("pk_catalog_name", TEXT),
        pa.field("pk_db_schema_name", TEXT),
        required("pk_table_name", TEXT),
        required("pk_column_name", TEXT),
        pa.field("fk_catalog_name", TEXT),
        pa.field("fk_db_schema_name", TEXT),
        required("fk_table_name", TEXT),
        required("fk_column_name", TEXT),
        required("key_sequence", INT),
        pa.field("fk_key_name", TEXT),
        pa.field("pk_key_name", TEXT),
        required("update_rule", pa.uint8()),
        required("delete_rule", pa.uint8()),
    ]
)
TABLES = [
    pa.field("catalog_name", TEXT),
    pa.field("db_schema_name", TEXT),
    required("table_name", TEXT),
    required("table_type", TEXT),
]
SCHEMAS = [
    (
        pb.CommandGetSqlInfo(),
        pa.schema(
            [
                required("info_name", pa.uint32()),
                required(
                    "value",
                    pa.dense_union(
                        [
                            required("string_value", TEXT),
                            required("bool_value", BOOL),
                            required("bigint_value", pa.int64()),
                            required("int32_bitmask", INT),
                            required("string_list", pa.list_(TEXT)),
                            required("int32_to_int32_list_map", pa.map_(INT, pa.list_(INT))),
                        ],
                        [0, 1, 2, 3, 4, 5],
                    ),
                ),
            ]
        ),
    ),
    (pb.CommandGetCatalogs(), pa.schema([required("catalog_name", TEXT)])),
    (
        pb.CommandGetDbSchemas(),
        pa.schema([pa.field("catalog_name", TEXT), required("db_schema_name", TEXT)]),
    ),
    (pb.CommandGetTables(), pa.schema(TABLES)),
    (
        pb.CommandGetTables(include_schema=True),
        pa.schema([*TABLES, required("table_schema", pa.binary())]),
    ),
    (pb.CommandGetTableTypes(), pa.schema([required("table_type", TEXT)])),
    (
        pb.CommandGetPrimaryKeys(table="items"),
        pa.schema(
            [
                pa.field("catalog_name", TEXT),
                pa.field("db_schema_name", TEXT),
                required("table_name", TEXT),
                required("column_name", TEXT),
                required("key_sequence", INT),
                pa.field("key_name", TEXT),
            ]
        ),
    ),
    (pb.CommandGetExportedKeys(table="items"), KEYS),
    (pb.CommandGetImportedKeys(table="items"), KEYS),
    (pb.CommandGetCrossReference(pk_table="items", fk_table="one"), KEYS),
    (
        pb.CommandGetXdbcTypeInfo(),
        pa.schema(
            [
                required("type_name", TEXT),
                required("data_type", INT),
                pa.field("column_size", INT),
                pa.field("literal_prefix", TEXT),
                pa.field("literal_suffix", TEXT),
                pa.field("create_params", pa.list_(required("item", TEXT))),
                required("nullable", INT),
                required("case_sensitive", BOOL),
                required("searchable", INT),
                pa.field("unsigned_attribute", BOOL),
                required("fixed_prec_scale", BOOL),
                pa.field("auto_increment", BOOL),
                pa.field("local_type_name", TEXT),
                pa.field("minimum_scale", INT),
                pa.field("maximum_scale", INT),
                required("sql_data_type", INT),
                pa.field("datetime_subcode", INT),
                pa.field("num_prec_radix", INT),
                pa.field("interval_precision", INT),
            ]
        ),
    ),
]


@pytest.mark.parametrize(("command", "schema"), SCHEMAS, ids=[type(c).__name__ for c, _ in SCHEMAS])
def test_the_schema_is_exact_everywhere(running: Running, command: Any, schema: pa.Schema) -> None:
    with running.flight() as client:
        assert client.get_schema(descriptor(command)).schema.equals(schema, check_metadata=True)
        table = read(client, command)
    assert table.schema.equals(schema, check_metadata=True)
    table.validate(full=True)
    for field, column in zip(table.schema, table.columns, strict=True):
        assert field.nullable or column.null_count == 0


def values(table: pa.Table) -> dict[int, Any]:
    return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


def test_every_standard_code_is_answered_and_no_other(running: Running) -> None:
    with running.flight() as client:
        info = values(read(client, pb.CommandGetSqlInfo()))
    assert sorted(info) == sorted(pb.SqlInfo.values())
    assert info[pb.FLIGHT_SQL_SERVER_NAME] == "Crosswind"
    assert info[pb.FLIGHT_SQL_SERVER_READ_ONLY] is True
    assert info[pb.FLIGHT_SQL_SERVER_TRANSACTION] == 0
    assert info[pb.SQL_IDENTIFIER_QUOTE_CHAR] == '"'
    assert info[pb.FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT] == 3_600_000
    assert "SUBSTRING" in info[pb.SQL_STRING_FUNCTIONS]


def test_info_comes_in_the_order_asked_without_what_is_unknown(running: Running) -> None:
    with running.flight() as client:
        table = read(client, pb.CommandGetSqlInfo(info=[504, 99999, 0, 12345, 8]))
        nothing = read(client, pb.CommandGetSqlInfo(info=[99999]))
    assert table["info_name"].to_pylist() == [504, 0, 8]
    assert table["value"].to_pylist() == ['"', "Crosswind", 0]
    assert nothing.num_rows == 0


def test_no_answer_is_given_to_a_code_that_does_not_exist() -> None:
    names = set(pb.SqlInfo.keys())
    assert set(sqlinfo._answers()) <= names


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("orders", "orders", True),
        ("orders", "Orders", False),
        ("ord%", "orders", True),
        ("%", "", True),
        ("o_ders", "orders", True),
        (r"o\_ders", "orders", False),
        (r"o\_ders", "o_ders", True),
        (r"100\%", "100%", True),
        ("a.c", "abc", False),
        ("a\nb%", "a\nb\nc", True),
        ("tail\\", "tail\\", True),
        ("SELECT * FROM t WHERE a LIKE '%(['", "orders", False),
    ],
)
def test_name_patterns(pattern: str, name: str, matches: bool) -> None:
    assert bool(metadata.like(pattern).fullmatch(name)) is matches


def test_no_name_pattern_keeps_the_server_busy() -> None:
    assert not metadata.like("%a" * 40 + "%b").fullmatch("a" * 200)
    assert metadata.like("%a_%b%").fullmatch("xaaybz")


def test_tables_are_filtered_and_sorted(start: Start) -> None:
    view = ScriptedTable(ONE.schema, rows(ONE), kind="VIEW")
    running = start({"b.x": ONE, "a.x": ONE, "a.y": view})

    def listed(**filters: Any) -> list[tuple[Any, ...]]:
        with running.flight() as client:
            table = read(client, pb.CommandGetTables(**filters))
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    everything = listed()
    assert everything == sorted(everything)
    assert len(everything) == 5
    assert listed(db_schema_filter_pattern="a") == [
        ("shop", "a", "x", "TABLE"),
        ("shop", "a", "y", "VIEW"),
    ]
    assert listed(table_types=["VIEW"]) == [("shop", "a", "y", "VIEW")]
    assert listed(table_name_filter_pattern="x", db_schema_filter_pattern="b") == [
        ("shop", "b", "x", "TABLE")
    ]
    assert listed(catalog="elsewhere") == []
    assert listed(catalog="") == []


def test_a_tables_schema_travels_with_what_jdbc_reads(start: Start) -> None:
    native = {"price": "numeric(15,2)"}
    running = start({"items": ScriptedTable(ITEMS.schema, rows(ITEMS), native_types=native)})
    command = pb.CommandGetTables(table_name_filter_pattern="items", include_schema=True)
    with running.flight() as client:
        (body,) = read(client, command)["table_schema"].to_pylist()
    schema = pa.ipc.read_schema(pa.py_buffer(body))
    assert schema.equals(ITEMS.schema)
    price = schema.field("price").metadata
    assert price[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"numeric(15,2)"
    assert price[b"ARROW:FLIGHT:SQL:PRECISION"] == b"15"
    assert price[b"ARROW:FLIGHT:SQL:SCALE"] == b"2"


def test_one_type_can_be_asked_for(running: Running) -> None:
    with running.flight() as client:
        everything = read(client, pb.CommandGetXdbcTypeInfo()).to_pylist()
        (varchar,) = read(client, pb.CommandGetXdbcTypeInfo(data_type=12)).to_pylist()
    order = [(row["data_type"], row["type_name"]) for row in everything]
    assert order == sorted(order)
    assert varchar["type_name"] == "VARCHAR"


def test_what_can_be_done_is_listed_and_the_rest_refused(running: Running) -> None:
    import pyarrow.flight as fl

    with running.flight() as client:
        listed = {entry.type for entry in client.list_actions()}
        assert listed == {
            "CreatePreparedStatement",
            "ClosePreparedStatement",
            "CancelFlightInfo",
            "SetSessionOptions",
            "GetSessionOptions",
            "CloseSession",
        }
        for refused, reason in {
            "BeginTransaction": "transactions are not supported",
            "EndSavepoint": "savepoints",
            "CreatePreparedSubstraitPlan": "Substrait",
            "Abracadabra": "no such action",
        }.items():
            with pytest.raises(NotImplementedError, match=reason):
                list(client.do_action(fl.Action(refused, b"")))


def test_session_options(running: Running) -> None:
    request = pb.SetSessionOptionsRequest()
    request.session_options["catalog"].string_value = "shop"
    request.session_options["schema"].SetInParent()
    request.session_options["colour"].bool_value = True
    with running.flight() as client:
        (body,) = action(client, "SetSessionOptions", request.SerializeToString())
        errors = pb.SetSessionOptionsResult.FromString(body).errors
        assert {name: error.value for name, error in errors.items()} == {
            "catalog": pb.SetSessionOptionsResult.ERROR,
            "colour": pb.SetSessionOptionsResult.INVALID_NAME,
        }
        (body,) = action(client, "GetSessionOptions")
        assert not pb.GetSessionOptionsResult.FromString(body).session_options
        (body,) = action(client, "CloseSession")
        assert pb.CloseSessionResult.FromString(body).status == pb.CloseSessionResult.CLOSED
