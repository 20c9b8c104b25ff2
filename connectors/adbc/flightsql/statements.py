"""The statements that are written here, each of one table. Knows no dialect but its quotes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

Path = tuple[str, ...]
"""A table's name at the server: catalog, schema and table, those that there are."""


def select(path: Path, columns: Sequence[str] | None = None, limit: int | None = None) -> str:
    """A SELECT of columns; of all for None, and of a constant for none at all.

    >>> select(("lake", "main", "a b"), ["x"], 3)
    'SELECT "x" FROM "lake"."main"."a b" LIMIT 3'
    """
    chosen: list[exp.Expression]
    if columns is None:
        chosen = [exp.Star()]
    else:
        chosen = [exp.column(_name(c)) for c in columns] or [exp.Literal.number(1)]
    statement = exp.Select(expressions=chosen, from_=exp.From(this=_table(path)))
    if limit is not None:
        statement = statement.limit(limit, copy=False)
    return statement.sql(dialect="postgres")


def explained(statement: str, as_json: bool = True) -> str:
    """The question for a statement's plan, which a Crosswind knows.

    >>> explained(select(("main", "t")))
    'EXPLAIN (FORMAT JSON) SELECT * FROM "main"."t"'
    """
    return f"EXPLAIN {'(FORMAT JSON) ' if as_json else ''}{statement}"


def _table(path: Path) -> exp.Table:
    *qualifiers, name = map(_name, path)
    db = qualifiers.pop() if qualifiers else None
    catalog = qualifiers.pop() if qualifiers else None
    return exp.Table(this=name, db=db, catalog=catalog)


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
