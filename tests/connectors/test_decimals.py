"""Numbers that arrive as texts: exact, or an error that says what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest

from connectors.decimals import cast_exactly
from connectors.errors import SourceRejectedError
from tests.placements import Placement
from tests.postgres_server import PostgresServer

UNDECLARED = pa.decimal128(38, 18)

LONG = "123456789012345678901234567890"
"""Arrow makes 46509284486016680345.836250841945210880 of it."""

FINE = "0.1234567890123456789"


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "-" + LONG,
        f"000{LONG}.5",
        "100000000000000000000",
        FINE,
        "9" * 60,
        "1E+30",
        "1e2",
        "0." + "0" * 44 + "1",
        "1." + "0" * 60 + "1",
        f"{2**128}." + "0" * 18,
    ],
)
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(pa.ArrowInvalid):
        cast_exactly(pa.array([None, text, "1"]), UNDECLARED)


@pytest.mark.parametrize(
    "text",
    [
        "99999999999999999999.999999999999999999",
        "-99999999999999999999.999999999999999999",
        "000000000000000000000000000001.5",
        "-0.000000000000000001",
        "1.500000000000000000",
    ],
)
def test_what_fits_is_kept(text: str) -> None:
    read = cast_exactly(pa.array([None, text]), UNDECLARED)
    assert read.to_pylist() == [None, Decimal(text)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1." + "0" * 130, "1"),
        ("-3." + "0" * 200, "-3"),
        ("1024." + "0" * 118, "1024"),
        ("0" * 50 + "1.5" + "0" * 129, "1.5"),
        ("." + "0" * 100, "0"),
    ],
)
@pytest.mark.parametrize("wanted", [UNDECLARED, pa.decimal128(38, 2), pa.decimal256(60, 3)])
def test_zeros_at_the_end_are_no_digits(text: str, kept: str, wanted: pa.DataType) -> None:
    assert cast_exactly(pa.array([None, text]), wanted).to_pylist() == [None, Decimal(kept)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0.1" + "0" * 40, pa.decimal128(38, 0)),
        ("0.001" + "0" * 40, pa.decimal128(38, 2)),
        (str(2**256 + 150), pa.decimal256(60, 3)),
        ("0.0001" + "0" * 76, pa.decimal256(60, 3)),
    ],
)
def test_what_is_not_exact_is_refused(text: str, wanted: pa.DataType) -> None:
    with pytest.raises(pa.ArrowInvalid):
        cast_exactly(pa.array([text]), wanted)


def test_what_stands_beside_a_slice_is_no_part_of_it() -> None:
    assert cast_exactly(pa.array(["1e5", "1"]).slice(1), UNDECLARED).to_pylist() == [Decimal(1)]


@pytest.fixture(scope="module")
def placement(postgres_server: PostgresServer) -> Iterator[Placement]:
    with postgres_server.database("decimals") as uri:
        postgres_server.execute(
            "CREATE TABLE n (id int, v numeric, w numeric[])",
            f"INSERT INTO n VALUES (1, 1.5, '{{1.5}}'), (2, {LONG}, '{{{LONG}}}')",
            f"INSERT INTO n VALUES (3, {FINE}, NULL)",
            # Large enough for the ways in which whole tables are read.
            "CREATE TABLE many AS SELECT i AS a, i AS b, i AS c, i AS d, i::numeric AS v"
            " FROM generate_series(1, 120000) i",
            f"UPDATE many SET v = {LONG} WHERE a = 119999",
            "ANALYZE",
            database="decimals",
        )
        with Placement.of_sources({"shop": {"connector": "postgres", "uri": uri}}) as placement:
            yield placement


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT v FROM n WHERE id = 2",
        "SELECT v FROM n WHERE id = 3",
        "SELECT w FROM n WHERE id = 2",
        "SELECT * FROM many",
        "SELECT v FROM many",
    ],
)
def test_an_undeclared_numeric_that_does_not_fit_says_what_to_write(
    sql: str, placement: Placement
) -> None:
    with pytest.raises(SourceRejectedError, match="does not fit") as said:
        placement.query(sql)
    assert "to double precision, or to decimal(38, S)" in (said.value.hint or "")


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("SELECT CAST(v AS double) AS v FROM n WHERE id = 2", float(LONG)),
        ("SELECT CAST(v AS decimal(38, 19)) AS v FROM n WHERE id = 3", Decimal(FINE)),
        ("SELECT CAST(v AS decimal(38, 0)) AS v FROM n WHERE id = 2", Decimal(LONG)),
        ("SELECT v FROM n WHERE id = 1", Decimal("1.5")),
        ("SELECT sum(v) AS v FROM many WHERE a < 119999", Decimal(119998 * 119999 // 2)),
    ],
)
def test_what_it_says_to_write_works(sql: str, read: object, placement: Placement) -> None:
    assert placement.query(sql)["v"].to_pylist() == [read]
