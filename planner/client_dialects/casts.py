"""Casts: what a value of one kind is as another, in the client's dialect.

Owns casts to texts, to whole numbers and to decimal numbers. What a kind is, is `kinds`'.
"""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import Call, Node, call, case, cast, constant_text, whole_number
from planner.client_dialects.kind_tables import Kind, kind_of_type
from planner.client_dialects.reading import Reading

_INTEGERS = (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.MEDIUMINT, exp.DType.INT,
             exp.DType.BIGINT)  # fmt: skip
_FIXED_TEXTS = (exp.DType.CHAR, exp.DType.NCHAR, exp.DType.BPCHAR)
_VARIABLE_TEXTS = (exp.DType.VARCHAR, exp.DType.NVARCHAR, exp.DType.TEXT)

_TYPES = frozenset(
    {
        *_INTEGERS, *_FIXED_TEXTS, *_VARIABLE_TEXTS, exp.DType.BOOLEAN, exp.DType.BIT,
        exp.DType.FLOAT, exp.DType.DOUBLE, exp.DType.DECIMAL, exp.DType.MONEY,
        exp.DType.DATE, exp.DType.TIME, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ,
        exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMPNTZ, exp.DType.DATETIME, exp.DType.DATETIME2,
        exp.DType.SMALLDATETIME, exp.DType.INTERVAL, exp.DType.ARRAY, exp.DType.LIST,
        exp.DType.UTINYINT, exp.DType.USMALLINT, exp.DType.UINT, exp.DType.UBIGINT,
        exp.DType.TINYTEXT, exp.DType.MEDIUMTEXT, exp.DType.LONGTEXT, exp.DType.NAME,
        exp.DType.DATE32, exp.DType.BINARY, exp.DType.VARBINARY,
    }
)  # fmt: skip
"""The types that the engine has. Nothing is known of another one."""


def data_type(node: exp.DataType, reading: Reading) -> Node:
    """A type by the client's name as the engine's of the same values."""
    this = node.this
    if this not in _TYPES:
        reading.refuse(node, f"type {node.sql(reading.dialect)}")
    if this in _INTEGERS and reading.speaks(traits.WIDE_INTEGERS):
        return exp.DataType.build("bigint")
    if this is exp.DType.BIT:
        return exp.DataType.build("boolean")
    if this in (exp.DType.DECIMAL, exp.DType.MONEY):
        return _decimal(node, reading)
    if this in (exp.DType.BINARY, exp.DType.VARBINARY) and node.expressions:
        reading.refuse(node, "a type of so many bytes")
    if this is exp.DType.FLOAT and reading.dialect in ("snowflake", "oracle", "sqlite"):
        return exp.DataType.build("double")
    if this is exp.DType.FLOAT and reading.dialect == "tsql":
        digits = whole_number(node.expressions[0].this) if node.expressions else 53
        return exp.DataType.build("double" if digits is None or digits > 24 else "float")
    if this is exp.DType.TIMESTAMPTZ and reading.dialect == "bigquery":
        return node
    return node


def _decimal(node: exp.DataType, reading: Reading) -> Node:
    if node.this is exp.DType.MONEY:
        return exp.DataType.build("decimal(19, 4)")
    given = [whole_number(part.this) for part in node.expressions]
    default = traits.DECIMAL_DEFAULTS.get(reading.dialect)
    if given:
        digits, scale = given[0], given[1] if len(given) > 1 else 0
    elif default is None:
        reading.refuse(node, "a decimal number without digits", "Write DECIMAL(38, 10) or so.")
    else:
        digits, scale = default
        if reading.dialect == "oracle":
            reading.translated(node, "NUMBER without digits has ten of them behind the point here")
    if digits is None or scale is None or not 0 < digits <= 76 or scale < 0:
        reading.refuse(node, f"type {node.sql(reading.dialect)}")
    return exp.DataType.build(f"decimal({digits}, {scale})")


def to_number(node: exp.ToNumber, reading: Reading) -> Node:
    """`TO_NUMBER(s)`; Oracle's keeps all digits."""
    if node.args.get("format") is not None:
        reading.refuse(node, "a number in a format")
    if reading.dialect == "oracle" and node.args.get("precision") is None:
        reading.translated(node, "NUMBER without digits has ten of them behind the point here")
        node.set("precision", exp.Literal.number(38))
        node.set("scale", exp.Literal.number(10))
    return node


def casted(node: exp.Cast | exp.TryCast, reading: Reading) -> Node:
    """CAST and TRY_CAST: what the target makes of the value there."""
    if node.args.get("format") is not None or node.args.get("action") is not None:
        reading.refuse(node, "a cast with a format")
    to, source = node.to, reading.kind(node.this)
    target = kind_of_type(to)
    if target == "text":
        return _to_text(node, reading)
    if target == "int":
        return _to_whole(node, source, reading)
    if target == "bool" and source in ("decimal", "float"):
        return exp.NEQ(this=node.this, expression=exp.Literal.number(0))
    if target == "date" and source == "int":
        reading.refuse(node, "a date made of a number")
    if target in ("timestamp", "timestamptz") and source in ("int", "decimal", "float"):
        reading.refuse(node, "a time made of a number")
    if target == "timestamptz" and source != "timestamptz":
        plain = _checked(_retyped(node, "timestamp"))
        # Where TIMESTAMP alone has a time zone, a column without one is meant so, too.
        return plain if reading.speaks(traits.ZONED_TIMESTAMPS) else at_utc(plain)
    if reading.dialect == "sqlite" and target in ("date", "timestamp", "timestamptz", "decimal"):
        reading.refuse(node, f"a cast to {to.sql('sqlite')}, which is a number there")
    if reading.dialect == "sqlite" and source in ("text", "unknown") and target == "float":
        reading.translated(node, "a text that is no number fails here; it is cut to one there")
    return _checked(node)


def _retyped(node: exp.Cast | exp.TryCast, to: str) -> exp.Cast | exp.TryCast:
    node.set("to", exp.DataType.build(to))
    return node


def at_utc(moment: Node) -> Node:
    """A moment without a time zone as one of UTC; TIMESTAMPTZ alone is none in the engine."""
    return exp.AtTimeZone(this=exp.Paren(this=moment), zone=exp.Literal.string("UTC"))


def _checked(node: exp.Cast | exp.TryCast) -> Node:
    if isinstance(node, exp.TryCast):
        return exp.TryCast(this=node.this, to=node.to)
    return exp.Cast(this=node.this, to=node.to)


def _to_whole(node: exp.Cast | exp.TryCast, source: Kind, reading: Reading) -> Node:
    this = node.this
    if isinstance(this, Call) and this.name == "date_part":
        pass  # whole already, whatever EXTRACT's type is
    elif source in ("float", "decimal") and reading.speaks(traits.ROUNDING_CASTS):
        halves_to_even = source == "float" and reading.speaks(traits.EVEN_HALVES)
        node.set("this", half_even(this) if halves_to_even else call("round", this))
    elif source == "unknown" and reading.speaks(traits.ROUNDING_CASTS):
        reading.translated(node, "a cast to an integer cuts a fraction here; it rounds there")
    elif (
        source == "text" and isinstance(node, exp.TryCast) and reading.speaks(traits.ROUNDING_CASTS)
    ):
        reading.translated(node, "a text with a fraction is no whole number here")
    elif source in ("text", "unknown") and reading.dialect in ("sqlite", "mysql"):
        reading.translated(node, "a text that is no number fails here; it is cut to one there")
    elif source in ("date", "timestamp", "timestamptz"):
        reading.refuse(node, "a number made of a time")
    return _checked(node)


def half_even(value: Node) -> Node:
    """A double precision number rounded; x.5 goes to the even neighbour."""
    rest = call("abs", exp.Sub(this=exp.Paren(this=value.copy()),
                               expression=call("trunc", value.copy())))  # fmt: skip
    half = exp.EQ(this=rest, expression=exp.Literal.number("0.5"))
    halved = exp.Mul(this=exp.Paren(this=value.copy()), expression=exp.Literal.number("0.5"))
    even = exp.Mul(this=exp.Literal.number(2), expression=call("round", halved))
    return case([(half, even)], call("round", value))


# --- texts ---------------------------------------------------------------------------------------


def _to_text(node: exp.Cast | exp.TryCast, reading: Reading) -> Node:
    text = as_text(node.this, reading)
    if text is node.this:
        text = cast(node.this, "varchar")
    length = _length_of(node.to, reading)
    if length is None:
        return text
    if node.to.this in _FIXED_TEXTS and length != 1:
        reading.translated(node, "a text of a fixed length is not filled up with spaces here")
    if reading.speaks(traits.CUTTING_CASTS):
        known = constant_text(node.this)
        if known is not None and len(known) <= length:
            return text
        return call("substr", text, 1, length)
    if not reading.speaks(traits.LENGTH_IS_IGNORED):
        reading.translated(node, "a text that is longer than its type is kept whole here")
    return text


def _length_of(to: exp.DataType, reading: Reading) -> int | None:
    if to.expressions:
        return whole_number(to.expressions[0].this)
    if to.this in _FIXED_TEXTS and reading.speaks(traits.POSTGRES):
        return 1
    if reading.dialect == "tsql" and to.this in (*_FIXED_TEXTS, *_VARIABLE_TEXTS[:2]):
        return 30
    return None


_SAME_TEXT: frozenset[Kind] = frozenset({"text", "int", "null"})


def as_text(node: Node, reading: Reading) -> Node:
    """A value as a text, as a cast, `||` and concat() write it."""
    kind = reading.kind(node)
    if kind in ("text", "null"):
        return node
    if kind == "int" or (kind == "date" and reading.dialect != "oracle"):
        return cast(node, "varchar")
    if kind == "decimal" and reading.dialect == "bigquery":
        return _without_idle_zeros(node)
    if kind == "decimal" and reading.dialect not in ("sqlite", "snowflake", "oracle"):
        return cast(node, "varchar")
    if kind == "bool" and reading.speaks(traits.TRUE_IS_ONE_AS_TEXT):
        return case([(node, "1"), (exp.Not(this=exp.Paren(this=node.copy())), "0")])
    if kind == "bool" and reading.dialect != "oracle":
        return cast(node, "varchar")
    if kind == "timestamp":
        if not reading.speaks(traits.ISO_TIMESTAMP_TEXTS):
            reading.translated(node, "a timestamp as text has as many digits as it needs here")
        return _timestamp_text(node)
    if kind == "list":
        reading.translated(node, "a list as text is written otherwise here")
    elif kind == "unknown":
        reading.translated(
            node, "a number or a time may be written otherwise here, as a text of what is none"
        )
    else:
        what = _NAMES.get(kind, "this value")
        reading.translated(node, f"{what} as text is written otherwise here")
    return cast(node, "varchar")


_NAMES: dict[Kind, str] = {
    "float": "double precision",
    "decimal": "a decimal number",
    "timestamptz": "a timestamp with a time zone",
    "time": "a time",
    "interval": "an interval",
    "date": "a date",
    "bool": "a truth value",
}


def _without_idle_zeros(number: Node) -> Node:
    """A decimal number as a text without the zeros that its type has at its end."""
    text = cast(number, "varchar")
    has_point = exp.GT(this=call("strpos", text, "."), expression=exp.Literal.number(0))
    return case([(has_point, call("rtrim", call("rtrim", text.copy(), "0"), "."))], text.copy())


def _timestamp_text(node: Node) -> Node:
    whole = call("to_char", cast(node, "timestamp"), "%Y-%m-%d %H:%M:%S.%6f")
    return call("rtrim", call("rtrim", whole, "0"), ".")
