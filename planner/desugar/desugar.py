"""The rewrites in their order, each only for a text that has its words.

Owns which words call for which rewrite, and what becomes of one that is not possible. A statement
without any of these words costs a look at its tokens.

Places. The rewritten text has lines and columns of its own, which no client sees: what a rewrite
refuses has the place of the client's word, which the tree keeps, and when the engine refuses the
rewritten text, it is asked about the client's own (`planner.bind`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import pyarrow as pa
from sqlglot import Token, TokenType, exp

from connectors.errors import SizeLimitError, UnsupportedError
from planner.desugar.chains import LONG, balance_chains
from planner.desugar.constant_joins import filter_by_constants, may_be_constant
from planner.desugar.decorrelate import Decorrelation
from planner.desugar.growth import Growth
from planner.desugar.intervals import compare_in_one_unit, may_compare
from planner.desugar.likes import write_escapes
from planner.desugar.limits import write_fetch
from planner.desugar.merged_columns import write_merged
from planner.desugar.names import Names
from planner.desugar.null_safety import keep_null_safety_apart
from planner.desugar.patterns import write_similar
from planner.desugar.pivots import write_pivots
from planner.desugar.row_values import compare_by_parts
from planner.desugar.set_operations import number_repeats
from planner.desugar.spelling import (
    bracket_distinct_from,
    distinct_on_once,
    forget_materialized,
    forget_no_limit,
    group_by_nothing,
    name_semi_sides,
    order_by_all,
    unbracket,
    write_apply,
    write_is_null,
    write_mod,
    write_tables,
)
from planner.desugar.text import NotReadError, text_of, tree_of
from planner.desugar.tree import FreshNames, NoRewriteError, TableSchema
from planner.desugar.unnamed import may_be_unnamed, name_inputs
from planner.nesting import CONNECTIVES, MAX_OPERATORS, too_long

Spelling = Callable[[exp.Expr], bool]
Rewrite = Callable[[exp.Expr, Names, FreshNames], bool]

# Words that stand together in the text, and what is rewritten where they do.
_SPELLINGS: Sequence[tuple[tuple[str, ...], Spelling]] = (
    (("TABLE",), write_tables),
    (("ISNULL",), write_is_null),
    (("NOTNULL",), write_is_null),
    (("DISTINCT", "FROM"), bracket_distinct_from),
    (("MATERIALIZED",), forget_materialized),
    (("SEMI", "JOIN"), name_semi_sides),
    (("ANTI", "JOIN"), name_semi_sides),
    (("BY", "(", ")"), group_by_nothing),
    (("BY", "ALL"), order_by_all),
    (("DISTINCT", "ON"), distinct_on_once),
    (("FETCH",), write_fetch),
    (("APPLY",), write_apply),
    (("INTERVAL",), compare_in_one_unit),
    (("SIMILAR", "TO"), write_similar),
    (("ESCAPE",), write_escapes),
    (("MOD", "("), write_mod),
    (("LIMIT", "ALL"), forget_no_limit),
    (("LIMIT", "NULL"), forget_no_limit),
    (("OFFSET", "NULL"), forget_no_limit),
)
_REWRITES: Sequence[tuple[tuple[str, ...], Rewrite]] = (
    (("USING",), write_merged),
    (("NATURAL",), write_merged),
    (("PIVOT",), write_pivots),
    (("UNPIVOT",), write_pivots),
    (("DISTINCT", "FROM"), keep_null_safety_apart),
    (("EXCEPT", "ALL"), number_repeats),
    (("INTERSECT", "ALL"), number_repeats),
    (("ON",), filter_by_constants),
    (("UNION",), name_inputs),
)
_WRONG: Mapping[object, str] = {
    # what the engine answers wrongly without its rewrite
    number_repeats: "EXCEPT ALL or INTERSECT ALL",
    compare_by_parts: "a comparison of rows",
    bracket_distinct_from: "IS DISTINCT FROM beside another operator",
    keep_null_safety_apart: "IS NOT DISTINCT FROM",
    write_is_null: "ISNULL or NOTNULL",
    write_similar: "SIMILAR TO",
}


def desugared(
    sql: str,
    tokens: Sequence[Token],
    tables: TableSchema,
    ask: Callable[[str], pa.Schema | None],
    *,
    trusting: bool = True,
) -> str | None:
    """The statement in the engine's terms; None where it is in them already.

    Args:
        sql: one query.
        tokens: of it.
        tables: the columns of each table that it may name.
        ask: the engine, about the columns of a query; None when it cannot tell.
        trusting: whether subqueries of forms that the engine plans are left to it. It fails for
            some of them, for types that differ, for one.

    Raises:
        SizeLimitError: for a condition of more parts than the engine reads, in a statement that
            cannot be rewritten, and for subqueries that become too many when they are.
        UnsupportedError: for what the engine would answer wrongly and has no exact rewrite, with
            its position.
    """
    words = _words(tokens)
    spellings: list[Spelling] = _called_for(_SPELLINGS, words)
    rewrites: list[Rewrite] = _called_for(_REWRITES, words)
    if compare_in_one_unit in spellings and not may_compare(tokens):
        spellings.remove(compare_in_one_unit)
    if name_inputs in rewrites and not may_be_unnamed(words):
        rewrites.remove(name_inputs)
    if filter_by_constants in rewrites and not may_be_constant(tokens):
        rewrites.remove(filter_by_constants)
    nested = first_subquery(tokens) is not None
    connectives = sum(token.token_type in CONNECTIVES for token in tokens)
    if connectives > LONG:
        rewrites.append(balance_chains)
    if _compares_rows(tokens):
        spellings.append(compare_by_parts)
    if not spellings and not rewrites and not nested:
        return None
    try:
        root = exp.Subquery(this=tree_of(sql, list(tokens)))
    except NotReadError:
        if connectives > MAX_OPERATORS:
            raise too_long(connectives) from None
        wrong = [_WRONG[rule] for rule in (*spellings, *rewrites) if rule in _WRONG]
        if wrong and ask(sql) is not None:
            raise UnsupportedError(
                f"{wrong[0]} in a statement like this is not supported"
            ) from None
        return None
    unbracket(root)
    growth = Growth(root)
    names, fresh = Names(tables, lambda query: ask(text_of(query))), FreshNames(sql)
    written: str | None = None
    try:
        changed = [spell(root) for spell in spellings]
        changed += [rewrite(root, names, fresh) for rewrite in rewrites]
        if any(changed):
            written = text_of(root.this.copy() if nested else root.this)
        if nested:
            walk = Decorrelation(names, fresh, growth, trusting)
            walk.query(root.this, None, {})
            if walk.changed:
                written = text_of(root.this)
    except RecursionError:
        raise SizeLimitError(
            "the statement is nested too deep", hint="Name its parts with WITH."
        ) from None
    except NoRewriteError as error:
        if not error.wrong and (written is not None or not {*spellings, *rewrites} & {*_WRONG}):
            return written
        raise UnsupportedError(
            f"{error.what} is not supported", position=error.position, hint=error.hint or None
        ) from None
    return written


_Kind = TypeVar("_Kind")


def _called_for(
    table: Sequence[tuple[tuple[str, ...], _Kind]], words: Sequence[str]
) -> list[_Kind]:
    present = set(words)
    found = {
        rule: None
        for pattern, rule in table
        if present.issuperset(pattern) and _together(words, pattern)
    }
    return list(found)


_IN_FROM = frozenset({TokenType.FROM, TokenType.JOIN, TokenType.ALIAS})
_QUERIES = frozenset({TokenType.SELECT, TokenType.WITH, TokenType.VALUES})


def first_subquery(tokens: Sequence[Token]) -> Token | None:
    """Where an expression may hold a query, or FROM one that is lateral; None for nowhere."""
    for at, token in enumerate(tokens[1:], start=1):
        if token.token_type is TokenType.LATERAL:
            return token
        if token.token_type in _QUERIES and tokens[at - 1].token_type is TokenType.L_PAREN:
            before = at - 1
            while before and tokens[before].token_type is TokenType.L_PAREN:
                before -= 1
            if tokens[before].token_type not in _IN_FROM:
                return tokens[at - 1]
    return None


_COMPARES = frozenset(
    {
        *(TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE),
        *(TokenType.IN, TokenType.NOT, TokenType.BETWEEN, TokenType.IS),
    }
)
_BEFORE_ROWS = frozenset(
    {
        *(TokenType.WHERE, TokenType.ON, TokenType.AND, TokenType.OR, TokenType.NOT),
        *(TokenType.SELECT, TokenType.COMMA, TokenType.L_PAREN, TokenType.WHEN, TokenType.HAVING),
        *(TokenType.CASE, TokenType.QUALIFY, TokenType.THEN, TokenType.ELSE, TokenType.EQ),
    }
)


def _compares_rows(tokens: Sequence[Token]) -> bool:
    """Whether a comparison follows on brackets that hold a list and are no call's."""
    opened: list[tuple[bool, bool]] = []  # may be a row value, holds a comma
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.L_PAREN:
            before = tokens[at - 1] if at else token
            row = before.token_type in _BEFORE_ROWS or before.text.upper() == "ROW"
            opened.append((row, False))
        elif kind is TokenType.COMMA and opened:
            opened[-1] = (opened[-1][0], True)
        elif kind is TokenType.R_PAREN and opened and opened.pop() == (True, True):
            after = tokens[at + 1] if at + 1 < len(tokens) else token
            if after.token_type in _COMPARES:
                return True
    return False


def _words(tokens: Sequence[Token]) -> list[str]:
    """Keywords and signs in upper case; texts and quoted names are none."""
    words: list[str] = []
    for token in tokens:
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            words.append("")
        else:
            words += token.text.upper().split()
    return words


def _together(words: Sequence[str], pattern: tuple[str, ...]) -> bool:
    first, length = pattern[0], len(pattern)
    return any(
        word == first and tuple(words[at : at + length]) == pattern for at, word in enumerate(words)
    )
