"""Functions of texts, as the client's dialect means them, in the engine's functions.

Owns substrings, positions, trimming and splitting. What joins texts is `joined`'s, patterns are
`patterns`'.
"""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import (
    Node,
    at_least_one,
    binary,
    call,
    case,
    constant_text,
    minus,
    number,
    plus,
    whole_number,
)
from planner.client_dialects.casts import as_text
from planner.client_dialects.kind_tables import NUMBERS
from planner.client_dialects.places import spelled
from planner.client_dialects.reading import Reading

_SPACES = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + (
    "\u2028\u2029\u202f\u205f\u3000"
)  # fmt: skip


def substring(node: exp.Substring, reading: Reading) -> Node:
    """`substr(s, start, length)`: the engine counts a start below 1 as places before the text."""
    start, length = node.args.get("start"), node.args.get("length")
    if constant_text(start) is not None:
        reading.refuse(node, "SUBSTRING with a pattern")
    if start is None:
        start = number(1)
    _note_empty(node, reading)
    if reading.dialect == "clickhouse":
        reading.translated(node, "places in a text are counted in letters here, and in bytes there")
    text = _as_letters(node.this, reading)
    if reading.dialect == "duckdb" and length is not None and not at_least_one(start):
        reading.translated(node, "a part from before the text depends on its letters there")
    start = _start(start, text, reading)
    if length is None:
        return call("substr", text, start)
    if reading.dialect == "sqlite" and not at_least_one(length):
        negative = binary(exp.LT, length, 0)
        moved = case([(negative, plus(start.copy(), length.copy()))], start)
        return call("substr", text, moved, call("abs", length.copy()))
    return call("substr", text, start, _length(length, node, reading))


def of_text(node: exp.Func, reading: Reading) -> Node:
    """A function of texts: of a list the engine would take its printed form."""
    if reading.dialect == "sqlite" and constant_text(node.args.get("expression")) == "":
        unchanged: Node = node.this
        return unchanged  # replace() of nothing, also by NULL
    if reading.kind(node.this) != "list":
        _note_empty(node, reading)
        return node
    if isinstance(node, exp.Reverse):
        return call("array_reverse", node.this)
    if isinstance(node, exp.Contains):
        return call("array_has", node.this, node.expression)
    return reading.refuse(node, f"{spelled(node, reading.sql)} of a list")


def _note_empty(node: Node, reading: Reading) -> None:
    if reading.speaks(traits.EMPTY_IS_NULL):
        reading.best_effort(node, "an empty text is a text here; there it is NULL")


def _as_letters(node: Node, reading: Reading) -> Node:
    """A number or a date where a text is wanted; what is not known is taken for a text."""
    if reading.kind(node) == "list":
        reading.refuse(node, "a list where a text is wanted")
    return as_text(node, reading) if reading.kind(node) in (*NUMBERS, "date", "timestamp") else node


def _length(length: Node, node: Node, reading: Reading) -> Node:
    known = whole_number(length)
    if known is not None and known >= 0:
        return length
    if reading.speaks(traits.EMPTY_FOR_NEGATIVE_LENGTH):
        return case([(binary(exp.LT, length, 0), 0)], length.copy())
    if known is not None:
        reading.refuse(node, "a negative length")
    return length


def _start(start: Node, text: Node, reading: Reading) -> Node:
    far = traits.FAR_START.get(reading.dialect)
    zero = traits.ZERO_START.get(reading.dialect)
    if at_least_one(start) or (far is None and zero is None):
        return start
    past = plus(call("length", text.copy()), 1)
    if zero == "first":
        from_zero: Node = number(1)
    else:
        from_zero = past if zero == "empty" else number(0)
    known = whole_number(start)
    if known == 0:
        return from_zero
    end = plus(plus(call("length", text.copy()), start.copy()), 1)
    if far == "empty":
        from_end = case([(binary(exp.LT, end, 1), past.copy())], end.copy())
    elif far == "first":
        from_end = case([(binary(exp.LT, end, 1), 1)], end.copy())
    else:
        from_end = end
    if known is not None:
        return from_end
    branches: list[tuple[Node, Node]] = [(binary(exp.LT, start.copy(), 0), from_end)]
    if zero is not None:
        branches.append((binary(exp.EQ, start.copy(), 0), from_zero))
    return case(branches, start)


def side(node: exp.Left | exp.Right, reading: Reading) -> Node:
    """`left(s, n)`: with a negative n the engine leaves so many letters out."""
    name = "left" if isinstance(node, exp.Left) else "right"
    text = _as_letters(node.this, reading)
    known = whole_number(node.expression)
    if reading.speaks(traits.LEFT_LIKE_ENGINE) or (known is not None and known >= 0):
        return call(name, text, node.expression)
    wanted = node.expression
    return call(name, text, case([(binary(exp.LT, wanted, 0), 0)], wanted.copy()))


def position(node: exp.StrPosition, reading: Reading) -> Node:
    """`instr(s, part, from)`. The engine looks from the first letter only."""
    text, part = _as_letters(node.this, reading), node.args["substr"]
    occurrence = node.args.get("occurrence")
    if occurrence is not None and whole_number(occurrence) != 1:
        reading.refuse(node, "a later occurrence of a text", "Look for the first one.")
    start = node.args.get("position")
    if reading.speaks(traits.FOLDED_TEXTS):
        _note_case(node, reading)
    if reading.dialect == "clickhouse":
        reading.translated(node, "places in a text are counted in letters here, and in bytes there")
    if start is None or whole_number(start) == 1:
        return call("strpos", text, part)
    if not at_least_one(start):
        reading.refuse(node, "a search from a place that may lie before the text")
    rest = call("strpos", call("substr", text, start), part)
    found = binary(exp.GT, rest.copy(), 0)
    return plus(rest, case([(found, minus(start.copy(), 1))], 0))


def _note_case(node: Node, reading: Reading) -> None:
    reading.best_effort(node, "texts are compared here with regard to case")


def trim(node: exp.Trim, reading: Reading) -> Node:
    """`trim(s, letters)`: of one side or both."""
    if node.args.get("collation"):
        reading.refuse(node, "TRIM with COLLATE")
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")), "btrim")
    letters = node.args.get("expression")
    text = _as_letters(node.this, reading)
    _note_empty(node, reading)
    if letters is None:
        if reading.speaks(traits.ALL_SPACES_TRIMMED):
            return call(name, text, _SPACES)
        return call(name, text)
    if reading.dialect == "mysql" and len(constant_text(letters) or "") != 1:
        reading.refuse(node, "TRIM of more than one letter")
    return call(name, text, letters)


def pad(node: exp.Pad, reading: Reading) -> Node:
    """`lpad(s, n, fill)`."""
    name = "lpad" if node.args.get("is_left") else "rpad"
    fill = node.args.get("fill_pattern")
    length = node.expression
    return call(name, as_text(node.this, reading), length, *([] if fill is None else [fill]))


def upper_or_lower(node: exp.Upper | exp.Lower, reading: Reading) -> Node:
    """SQLite and ClickHouse change the case of ASCII letters alone."""
    if reading.dialect not in ("sqlite", "clickhouse") or reading.kind(node.this) == "list":
        return of_text(node, reading)
    return ascii_upper(node.this) if isinstance(node, exp.Upper) else ascii_lower(node.this)


_SMALL = "abcdefghijklmnopqrstuvwxyz"


def ascii_lower(node: Node) -> Node:
    return call("translate", node, _SMALL.upper(), _SMALL)


def ascii_upper(node: Node) -> Node:
    return call("translate", node, _SMALL, _SMALL.upper())


def length(node: exp.Length, reading: Reading) -> Node:
    """How many letters a text has, bytes where the dialect counts those, or elements of a list."""
    kind = reading.kind(node.this)
    if kind == "list":
        return call("array_length", node.this)
    if kind == "unknown" and reading.dialect == "duckdb":
        reading.translated(node, "length counts letters here, also where it meets a list")
    inner = node.this
    if kind == "binary":
        # The engine has no length of bytes, but one of their digits.
        return binary(exp.IntDiv, call("octet_length", call("encode", inner, "hex")), 2)
    if reading.dialect == "tsql":
        if isinstance(inner, exp.Cast):
            inner = inner.this
        return call("length", call("rtrim", as_text(inner, reading)))
    in_bytes = node.args.get("binary") and reading.speaks(traits.BYTES_ARE_COUNTED)
    return call("octet_length" if in_bytes else "length", as_text(inner, reading))


def split_part(node: exp.SplitPart, reading: Reading) -> Node:
    """`split_part(s, separator, n)`."""
    index = node.args["part_index"]
    separator = node.args["delimiter"]
    known = whole_number(index)
    if known == 0:
        if not node.args.get("part_index_zero_as_one"):
            reading.refuse(node, "part 0 of a text")
        index = number(1)
    if constant_text(separator) == "":
        reading.refuse(node, "an empty separator")
    if not reading.speaks(traits.TRINO):
        return call("split_part", node.this, separator, index)
    if known is None:
        reading.translated(node, "a part that is not there is an empty text here, and NULL there")
        return call("split_part", node.this, separator, index)
    return call("array_element", call("string_to_array", node.this, separator), index)


def split(node: exp.Split, reading: Reading) -> Node:
    """A text as a list. The engine has no part of an empty text; the dialects have one."""
    separator = node.expression
    if node.args.get("limit") is not None:
        reading.refuse(node, "a limited number of parts")
    if constant_text(separator) == "":
        reading.refuse(node, "an empty separator")
    parts = call("string_to_array", node.this, separator)
    if reading.dialect == "postgres":
        return parts
    empty = binary(exp.EQ, node.this.copy(), "")
    return case([(empty, exp.Array(expressions=[exp.Literal.string("")]))], parts)


def split_by_pattern(node: exp.RegexpSplit, reading: Reading) -> Node:
    """Spark's split() takes a regular expression, which is a plain text mostly."""
    pattern = constant_text(node.expression)
    if pattern is None or node.args.get("limit") is not None:
        reading.refuse(node)
    plain = "".join(pattern[1:] if pattern[:1] == "\\" and len(pattern) == 2 else pattern)
    escaped = len(plain) < len(pattern)
    if not plain or (not escaped and set(plain) & set(".^$*+?()[]{}|\\")) or (
        escaped and plain.isalnum()
    ):  # fmt: skip
        reading.refuse(node, f"a split by the pattern {pattern!r}", "Split by a plain text.")
    replaced = exp.Split(this=node.this, expression=exp.Literal.string(plain))
    return split(replaced, reading)
