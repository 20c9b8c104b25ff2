"""How the engine writes types, expressions and causes, and how people do.

The texts are those of DataFusion 55. Knows no error and no statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SPAN = re.compile(r"Span\(|quote_style|ValueWithSpan|Ident \{")
_STRUCTURE = re.compile(r"[:,]?\s*\b[A-Z]\w*\s?[({].*", re.DOTALL)
_NUMBER = re.compile(r"\b(?:U?Int\d+|Float\d+|Boolean)\(([-\w.]+)\)")
_INTERVAL = re.compile(r"\bIntervalMonthDayNano\(\"IntervalMonthDayNano \{ (.*?) \}\"\)")
_LITERAL = re.compile(r"\bLiteral\((.*?), None\)")
_TEXT = re.compile(r"\b(?:Large)?Utf8(?:View)?\(\"(.*?)\"\)")

_LONGEST = 300


def sentence_of(message: str) -> str:
    """The innermost cause in one sentence, without the names of the engine's parts.

    >>> sentence_of('DataFusion error: Execution error: NTILE requires 1, not Int64(0)')
    'NTILE requires 1, not 0'
    """
    innermost = message.rsplit("caused by\n", 1)[-1]
    text = _PREFIX.sub("", innermost.strip()).split("\n")[0]
    if _SPAN.search(text):
        text = _STRUCTURE.sub("", text)
    return shortened(readable(text)).strip() or "the engine cannot run this statement"


_PREFIX = re.compile(
    r"^(?:(?:DataFusion error|Error during planning|Internal error|Schema error|SQL error|"
    r"Arrow error|Cast error|Compute error|Parser error|External error|OSError|"
    r"This feature is not implemented|Execution error|"
    r"Optimizer rule '[^']*' failed|Invalid argument error|type_coercion|caused by)[:\s]*)+"
)


def readable(expression: str) -> str:
    """An expression as the engine prints it, with plain literals and the types of SQL.

    >>> readable('t.id > Int64(1) AND t.s = Utf8("a")')
    "t.id > 1 AND t.s = 'a'"
    """
    expression = _INTERVAL.sub(r"interval '\1'", expression)
    text = _LITERAL.sub(r"\1", _TEXT.sub(r"'\1'", _NUMBER.sub(r"\1", expression)))
    return _TYPE.sub(lambda found: type_name(found[0]), text)


_TYPE = re.compile(
    r"\b(?:List\(\w+\)|(?:Decimal\d+|Timestamp|Time\d\d|Interval|Duration)\([^()]*\)|U?Int\d+|"
    r"Float(?:32|64)|(?:Large)?(?:Utf8|Binary)(?:View)?|Date(?:32|64))(?!\w)"
)


def type_name(engine_type: str) -> str:
    """A type of the engine as SQL names it.

    >>> [type_name(t) for t in ("Utf8", "Decimal128(10, 2)", "List(Int64)", "Timestamp(ns)")]
    ['text', 'decimal(10, 2)', 'list of bigint', 'timestamp']
    """
    text = engine_type.strip()
    if text in _TYPES:
        return _TYPES[text]
    name, bracket, inner = text.partition("(")
    inner = inner.removesuffix(")") if bracket else ""
    match name:
        case "Decimal" | "Decimal32" | "Decimal64" | "Decimal128" | "Decimal256":
            return f"decimal({inner})" if inner else "decimal"
        case "Timestamp":
            return (
                "timestamp with time zone" if "," in inner and "None" not in inner else "timestamp"
            )
        case "Struct":
            return "structure"
        case "Map":
            return "map"
        case "Time32" | "Time64":
            return "time"
        case "Interval" | "Duration":
            return "interval" if name == "Interval" else "duration"
        case "List" | "LargeList":
            return f"list of {type_name(inner.removeprefix('nullable '))}"
        case "Dictionary":
            return type_name(inner.partition(", ")[2])
    return text


_TYPES = {
    "Int8": "tinyint",
    "Int16": "smallint",
    "Int32": "integer",
    "Int64": "bigint",
    "UInt8": "tinyint unsigned",
    "UInt16": "smallint unsigned",
    "UInt32": "integer unsigned",
    "UInt64": "bigint unsigned",
    "Float32": "real",
    "Float64": "double",
    "Utf8": "text",
    "Utf8View": "text",
    "LargeUtf8": "text",
    "String": "text",
    "Binary": "bytea",
    "BinaryView": "bytea",
    "LargeBinary": "bytea",
    "Boolean": "boolean",
    "Date32": "date",
    "Date64": "date",
    "Null": "NULL",
    # Families of types, in signatures.
    "Integer": "integer",
    "Numeric": "number",
    "Float": "double",
}


def type_parts(types: str) -> Iterator[str]:
    """A list of types in its parts, at its commas that are in no brackets."""
    depth = start = 0
    for at, character in enumerate(types):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            yield types[start:at].strip()
            start = at + 1
    if types[start:].strip():
        yield types[start:].strip()


def shortened(text: str) -> str:
    """A text that fits a message."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def construct_of(node: str) -> str:
    """What SQL calls a node of the engine's plan, where that is another name.

    >>> construct_of("RecursiveQuery"), construct_of("a single grouping set")
    ('WITH RECURSIVE', 'a single grouping set')
    """
    return _CONSTRUCTS.get(node, node)


_CONSTRUCTS = {
    "RecursiveQuery": "WITH RECURSIVE",
    "Unnest": "unnest",
    "subquery in_predicate": "IN with a query, as a value",
    "subquery set_predicate": "EXISTS as a value",
    "subquery set_comparison": "ANY or ALL with a query",
    "relation set": "a set operation of this form",
}
