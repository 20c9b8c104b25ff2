"""The statements that are written here, in the SQL that the source speaks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

Path = tuple[str, ...]
"""A table's name at the source: catalog, schema and table, those that there are."""


def select(
    dialect: str,
    path: Path,
    expressions: Sequence[exp.Expr],
    limit: int | None = None,
    condition: exp.Expr | None = None,
) -> str:
    """A SELECT of expressions; of a constant where there are none.

    >>> select("mysql", ("shop", "a b"), [quoted("x")], 3)
    'SELECT `x` FROM `shop`.`a b` LIMIT 3'
    >>> select("tsql", ("t",), [], 3)
    'SELECT TOP 3 1 AS [one] FROM [t]'
    """
    one = exp.alias_(exp.Literal.number(1), _name("one"))
    statement = exp.Select(
        expressions=list(expressions) or [one], from_=exp.From(this=_table(path))
    )
    if condition is not None:
        statement = statement.where(condition, copy=False)
    if limit is not None:
        statement = statement.limit(limit, copy=False)
    return statement.sql(dialect=dialect)


def without_rows(dialect: str, path: Path) -> str:
    """A SELECT of all columns that gives no row.

    >>> without_rows("tsql", ("t",))
    'SELECT * FROM [t] WHERE 1 = 0'
    """
    never = exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
    statement = exp.Select(expressions=[exp.Star()], from_=exp.From(this=_table(path)))
    return statement.where(never, copy=False).sql(dialect=dialect)


def kill(session: int) -> str:
    """What ends the statement of another session of MySQL's.

    >>> kill(7)
    'KILL QUERY 7'
    """
    return exp.Kill(this=exp.Literal.number(session), kind="QUERY").sql(dialect="mysql")


def quoted(column: str) -> exp.Expr:
    """A column by its name, whatever that is."""
    return exp.column(_name(column))


def _table(path: Path) -> exp.Table:
    *qualifiers, name = map(_name, path)
    db = qualifiers.pop() if qualifiers else None
    catalog = qualifiers.pop() if qualifiers else None
    return exp.Table(this=name, db=db, catalog=catalog)


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
