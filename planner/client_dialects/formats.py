"""Formats of dates and times: a client's letters -> the codes of the engine's to_char().

sqlglot has read them into `%` codes already, where it knows them: what it does not know it leaves
as the letters that they are, and a letter that is left over would be printed as it is. Owns which
codes mean the same. Knows no other function of time.
"""

from __future__ import annotations

import re

from sqlglot import Dialect, exp

from planner.client_dialects import traits
from planner.client_dialects.build import Node, call, cast, constant_text, whole_number
from planner.client_dialects.casts import as_text, at_utc, casted
from planner.client_dialects.kind_tables import kind_of_type
from planner.client_dialects.reading import Reading

_CODE = re.compile(r"%(?:f_[a-z]+|[-_]?[A-Za-z]|%)")
_STRICT = re.compile(r"(%[A-Za-z])strict")

_SAME = frozenset({"%Y", "%y", "%m", "%d", "%H", "%M", "%S", "%j", "%B", "%b", "%A", "%a", "%p",
                   "%I", "%e", "%F", "%T", "%R", "%D", "%h", "%C", "%%", "%G", "%V", "%g", "%k",
                   "%l", "%n", "%t", "%u", "%w", "%U", "%W",
                   "%-m", "%-d", "%-H", "%-M", "%-S", "%-I", "%-j", "%-y"})  # fmt: skip
"""The codes that the engine has in the same meaning, those of C's strftime()."""

_MEANT: dict[str, dict[str, str]] = {
    "": {"%f": "%6f", "%f_three": "%3f", "%f_nine": "%9f"},
    "clickhouse": {"%i": "%M"},
    "tsql": {"%w": "%A"},
}
"""Codes as sqlglot has them in all dialects or in one, and the engine's of the same meaning."""

_PERCENT_DIALECTS = (
    frozenset({"bigquery", "duckdb", "sqlite", "mysql", "clickhouse"}) | traits.TRINO
)
"""Dialects whose own formats are written with `%`."""

_QUOTES = {"postgres": '"', "redshift": '"', "oracle": '"', "snowflake": '"', "spark": "'",
           "databricks": "'", "hive": "'", "tsql": "'"}  # fmt: skip
"""What stands around letters that are meant as they are."""

_LEFT_LETTERS: dict[str, dict[str, str]] = {
    "postgres": {
        "AM": "%p", "PM": "%p", "am": "%P", "pm": "%P", "MS": "%3f", "Mon": "%b", "HH": "%I",
    },
    "oracle": {"AM": "%p", "PM": "%p", "FF3": "%3f", "Mon": "%b"},
    "snowflake": {"T": "T"},
    "hive": {"SSS": "%3f"},
    "tsql": {"fff": "%3f", "tt": "%p"},
}  # fmt: skip
"""Letters that sqlglot leaves as they are, and what they mean."""

_WRONG: dict[str, frozenset[str]] = {
    name: frozenset(codes.split())
    for name, codes in {
        "bigquery": "%-d",
        "clickhouse": "%M %f %e %h %g %k %l %n %t %R %C %p %b %B %a %A",
        "duckdb": "%g %n %t %h %k %l %C %e %R %T %F %D",
        "hive": "%u %U %W %w",
        "mysql": "%W %v %V %X %D %u %G",
        "oracle": "%u %W %A %a %B %b",
        "postgres": "%u %U",
        "sqlite": "%f %D %h %n %t %C %a %A %b %B %y",
        "trino": "%W %v %V %X %D %u %U %w %G",
        "tsql": "%h %W %j %V",
    }.items()
}
"""Codes that sqlglot makes of letters that mean something else, or that are no code there."""

_FAMILY = {"presto": "trino", "athena": "trino", "spark": "hive", "databricks": "hive",
           "redshift": "postgres"}  # fmt: skip


def engine_format(node: Node, form: Node | None, reading: Reading) -> str:
    """The engine's format of a client's, as sqlglot has read it.

    Raises:
        UnsupportedError: for a letter whose meaning is not known, with the place of the function.
    """
    text = constant_text(form)
    if text is None:
        reading.refuse(node, "a format that is computed", "Write the format as a text.")
    text = _STRICT.sub(r"\1", text)
    quote = _QUOTES.get(reading.dialect)
    parts = re.split(f"{quote}([^{quote}]*){quote}", text) if quote else [text]
    found = []
    for at, piece in enumerate(parts):
        if at % 2:
            if "%" in piece:
                reading.refuse(node, f"the quoted letters in the format {text!r}")
            found.append(piece)
        else:
            found.append(_codes(piece, text, node, reading))
    return "".join(found)


def _codes(piece: str, whole: str, node: Node, reading: Reading) -> str:
    found, at = [], 0
    wrong = _WRONG.get(_FAMILY.get(reading.dialect, reading.dialect), frozenset())
    for code in _CODE.finditer(piece):
        found.append(_letters(piece[at : code.start()], whole, node, reading))
        written = code[0]
        meant = _MEANT.get(reading.dialect, {}).get(written) or _MEANT[""].get(written)
        if written in wrong or (meant is None and written not in _SAME):
            reading.refuse(node, f"the format {whole!r}: {written} in it")
        found.append(meant or written)
        at = code.end()
    found.append(_letters(piece[at:], whole, node, reading))
    return "".join(found)


def _letters(piece: str, whole: str, node: Node, reading: Reading) -> str:
    for letters, code in _LEFT_LETTERS.get(
        _FAMILY.get(reading.dialect, reading.dialect), {}
    ).items():
        if piece.strip(" .:-/,") == letters:
            return piece.replace(letters, code)
    if "%" in piece:
        reading.refuse(node, f"the format {whole!r}")
    if reading.dialect in _PERCENT_DIALECTS or not re.search("[A-Za-z]", piece):
        return piece
    quote = _QUOTES.get(reading.dialect, "'")
    return reading.refuse(
        node,
        f"the format {whole!r}: {piece.strip()!r} in it",
        f"Letters that are meant as they are stand in {quote}.",
    )


def formatted(node: exp.TimeToStr, reading: Reading) -> Node:
    """A moment as a text in a format."""
    for key in ("zone", "culture"):
        if node.args.get(key) is not None:
            reading.refuse(node, f"a format with its {key}")
    if reading.kind(node.this) in ("int", "decimal", "float"):
        reading.refuse(node, "a number in a format")
    form = engine_format(node, node.args.get("format"), reading)
    if reading.dialect == "tsql" and not _is_custom(node, form, reading):
        reading.refuse(node, "a standard format of one letter, or this part by name")
    return call("to_char", _moment(node.this, reading), form)


def _is_custom(node: Node, form: str, reading: Reading) -> bool:
    """Whether T-SQL's FORMAT or DATENAME has a format that is put together of codes."""
    if reading.word(node) == "datename":
        return form in ("%B", "%A", "%Y")
    return not form.startswith("%-") or len(form) > 3


def _moment(node: Node, reading: Reading) -> Node:
    while isinstance(node, exp.TsOrDsToTimestamp | exp.TimeStrToTime | exp.TsOrDsToDate):
        if any(value for key, value in node.args.items() if key != "this"):
            break
        node = node.this
    if reading.kind(node) in ("text", "unknown"):
        return cast(node, "timestamp")
    return node


def to_char(node: exp.ToChar, reading: Reading) -> Node:
    """`to_char(x, format)` of Snowflake and Oracle, whose format sqlglot leaves unread."""
    form = node.args.get("format")
    if form is None:
        text = as_text(node.this, reading)
        return cast(node.this, "varchar") if text is node.this else text
    if reading.kind(node.this) in ("int", "decimal", "float") or constant_text(form) is None:
        reading.refuse(node, "a number in a format, or a format that is computed")
    read = Dialect.get_or_raise(reading.dialect).format_time(form)
    return formatted(exp.TimeToStr(this=node.this, format=read), reading)


_DAY_CODES = ("%d", "%-d", "%e", "%j", "%F")


def parsed(node: exp.StrToTime | exp.StrToDate | exp.TsOrDsToDate, reading: Reading) -> Node:
    """A text in a format as a date or a time."""
    for key in ("zone", "nlsparam"):
        if node.args.get(key) is not None:
            reading.refuse(node, f"a format with its {key}")
    target = node.args.get("target_type")
    if target is not None and kind_of_type(target) not in ("timestamp", "unknown"):
        reading.refuse(node, "a text in a format as this type")
    form = node.args.get("format")
    if form is None:
        if reading.kind(node.this) == "date":
            inner: Node = node.this
            return inner
        return cast(node.this, "date")
    text = engine_format(node, form, reading)
    codes = set(_CODE.findall(text))
    hours = codes & {"%H", "%I", "%-H", "%-I", "%k", "%l"}
    if not codes & {"%Y", "%y", "%F"} or not codes & set(_DAY_CODES):
        reading.refuse(
            node, "a format without a year and a day", "Join what is missing to the text."
        )
    if (hours and not codes & {"%M", "%-M"}) or (codes & {"%M", "%-M"} and not hours):
        reading.refuse(node, "a format with an hour and no minute", "Join ':00' to the text.")
    if isinstance(node, exp.StrToTime) or reading.dialect in ("oracle",):
        found = call("to_timestamp", node.this, text)
        return at_utc(found) if reading.dialect == "postgres" else found
    if hours:
        if reading.dialect == "mysql":
            return call("to_timestamp", node.this, text)
        return cast(call("to_timestamp", node.this, text), "date")
    return call("to_date", node.this, text)


def epoch_formatted(node: exp.UnixToStr, reading: Reading) -> Node:
    """`from_unixtime(seconds, format)` of Spark, a text in UTC."""
    form = engine_format(node, node.args.get("format"), reading)
    return call("to_char", call("to_timestamp_seconds", cast(node.this, "bigint")), form)


def to_epoch(node: exp.StrToUnix, reading: Reading) -> Node:
    """`unix_timestamp(t)` of Spark: of a time, or of a text in a format."""
    moment: Node = node.this
    if reading.kind(moment) in ("text", "unknown"):
        form = engine_format(node, node.args.get("format"), reading)
        moment = call("to_timestamp", moment, form) if form != _ISO else cast(moment, "timestamp")
    return cast(call("floor", call("date_part", "epoch", cast(moment, "timestamp"))), "bigint")


_ISO = "%Y-%m-%d %H:%M:%S"


_STYLES = {
    101: "%m/%d/%Y", 102: "%Y.%m.%d", 103: "%d/%m/%Y", 104: "%d.%m.%Y", 105: "%d-%m-%Y",
    108: "%H:%M:%S", 110: "%m-%d-%Y", 111: "%Y/%m/%d", 112: "%Y%m%d", 120: "%Y-%m-%d %H:%M:%S",
    20: "%Y-%m-%d %H:%M:%S", 23: "%Y-%m-%d",
}  # fmt: skip
"""T-SQL's numbers of formats, of those that depend on no language."""


def styled(value: Node, to: exp.DataType, style: Node, node: Node, reading: Reading) -> Node:
    """`CONVERT(varchar(8), d, 112)` and `CONVERT(date, s, 103)`."""
    form = _STYLES.get(-1 if whole_number(style) is None else whole_number(style) or 0)
    source, target = reading.kind(value), kind_of_type(to)
    if form is not None and target == "text" and source in ("date", "timestamp"):
        length = whole_number(to.expressions[0].this) if to.expressions else None
        text = call("to_char", value, form)
        return text if length is None else call("substr", text, 1, length)
    if form is not None and target == "date" and source == "text":
        return call("to_date", value, form)
    return reading.refuse(node, "CONVERT with this style", "Use FORMAT, or CAST.")


def convert(node: exp.Convert, reading: Reading) -> Node:
    """T-SQL's CONVERT(type, value, style)."""
    style = node.args.get("style")
    if style is not None:
        return styled(node.expression, node.this, style, node, reading)
    kind = exp.TryCast if node.args.get("safe") else exp.Cast
    return casted(kind(this=node.expression, to=node.this), reading)
