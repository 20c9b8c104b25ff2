"""What a join's condition says of no column, as a filter of one of its sides.

    o LEFT JOIN (SELECT count(*) AS c FROM t) w ON o.id = w.c AND 1 > 2

    o LEFT JOIN (SELECT * FROM (SELECT count(*) AS c FROM t) w WHERE 1 > 2) w ON o.id = w.c

DataFusion 55 moves such a condition below whatever aggregate a side is, where it leaves out the
rows that are counted, and not their count: a row comes that must not, or 0 in the place of NULL.
Above a query it stays where it is. Of FULL joins nothing goes wrong. Owns that rewrite, and which
text may want it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import Token, TokenType, exp

from planner.desugar.engine_functions import is_stable, reads_of_all_rows
from planner.desugar.names import Names, alias_of
from planner.desugar.tree import FreshNames, all_of, conjuncts, quoted

_NAMES = frozenset({TokenType.VAR, TokenType.IDENTIFIER})
_BETWEEN = frozenset({TokenType.AND, TokenType.L_PAREN, TokenType.R_PAREN, TokenType.COMMA})
_ENDS = frozenset(
    {
        *(TokenType.JOIN, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.SELECT),
        *(TokenType.ORDER_BY, TokenType.LIMIT, TokenType.OFFSET, TokenType.FETCH, TokenType.WINDOW),
        *(TokenType.QUALIFY, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT),
        *(TokenType.SEMICOLON, TokenType.LATERAL),
    }
)


def may_be_constant(tokens: Sequence[Token]) -> bool:
    """Whether a part of what stands behind an ON may name no column."""
    inside, any_word, named = False, False, True
    for token in tokens:
        kind = token.token_type
        if kind in _BETWEEN or kind in _ENDS or kind is TokenType.ON:
            if inside and any_word and not named:
                return True
            inside = kind is TokenType.ON or (inside and kind in _BETWEEN)
            any_word = named = False
        elif kind is TokenType.INTERVAL:  # Its unit looks like a name.
            return True
        elif kind is not TokenType.TRUE:
            any_word, named = True, named or kind in _NAMES
    return inside and any_word and not named


def filter_by_constants(root: exp.Expr, names: Names, fresh: FreshNames) -> bool:
    """Move such conditions, unless they are plainly true; whether there was one."""
    del names, fresh
    changed = False
    for select in reversed(list(root.find_all(exp.Select))):
        for at, join in enumerate(select.args.get("joins") or ()):
            parts = conjuncts(join.args.get("on"))
            constant = [part for part in parts if _is_constant(part)]
            side = _side(select, at, join) if constant else None
            if side is None:
                continue
            side.set("this", _filtered(side.this, constant))
            rest = [part for part in parts if not any(part is other for other in constant)]
            join.set("on", all_of(rest) if rest else exp.true())
            changed = True
    return changed


def _is_constant(part: exp.Expr) -> bool:
    """Whether it has one value whatever is joined, and is not `TRUE` or `1 = 1`."""
    if part.find(exp.Column, exp.Query) is not None or not is_stable(part):
        return False
    part = part.unnest()
    same = isinstance(part, exp.EQ) and isinstance(part.this, exp.Literal)
    return part != exp.true() and not (same and part.this == part.expression)


def _side(select: exp.Select, at: int, join: exp.Join) -> exp.Expr | None:
    """Whose source is filtered; None where nothing goes wrong, or none can be."""
    first = select.args.get("from_") if at == 0 else None
    if join.kind not in ("", "INNER", "OUTER") or join.side == "FULL":
        return None
    sides = (join if join.side != "RIGHT" else None, first if join.side != "LEFT" else None)
    found = [side for side in sides if side is not None and _is_named(side.this)]
    return next((side for side in found if reads_of_all_rows(side.this)), None)


def _is_named(source: exp.Expr) -> bool:
    """Whether it is a query in brackets, or one by its name, and all call it by one name."""
    plain = isinstance(source, exp.Subquery) or (isinstance(source, exp.Table) and not source.db)
    return plain and bool(alias_of(source))


def _filtered(source: exp.Expr, constant: Sequence[exp.Expr]) -> exp.Subquery:
    unknown = [exp.false() if isinstance(part.unnest(), exp.Null) else part for part in constant]
    query = exp.Select(
        expressions=[exp.Star()],
        from_=exp.From(this=source.copy()),
        where=exp.Where(this=all_of(unknown)),
    )
    return exp.Subquery(this=query, alias=exp.TableAlias(this=quoted(alias_of(source))))
