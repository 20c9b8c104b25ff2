"""The statements that are written here, each of one table, in the SQL that the source speaks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from connectors.adbc.any.options import DATAFUSION, NO_DIALECT

Path = tuple[str, ...]
"""A table's name at the source: catalog, schema and table, those that there are."""


def select(
    dialect: str, path: Path, columns: Sequence[str] | None = None, limit: int | None = None
) -> str:
    """A SELECT of columns; of all for None, and of a constant for none at all.

    >>> select("none", ("lake", "main", "a b"), ["x"])
    'SELECT "x" FROM "lake"."main"."a b"'
    >>> select("bigquery", ("p", "d", "t"), ["x"], 3), select("tsql", ("t",), [], 3)
    ('SELECT `x` FROM `p`.`d`.`t` LIMIT 3', 'SELECT TOP 3 1 AS [one] FROM [t]')
    """
    statement = _selected(path, columns)
    if limit is not None:
        statement = statement.limit(limit, copy=False)
    return _written(statement, dialect)


def without_rows(dialect: str, path: Path) -> str:
    """A SELECT of all columns that gives no row.

    >>> without_rows("none", ("t",))
    'SELECT * FROM "t" WHERE 1 = 0'
    """
    never = exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
    return _written(_selected(path, None).where(never, copy=False), dialect)


def _selected(path: Path, columns: Sequence[str] | None) -> exp.Select:
    chosen: list[exp.Expr]
    if columns is None:
        chosen = [exp.Star()]
    else:
        one = exp.alias_(exp.Literal.number(1), _name("one"))
        chosen = [exp.column(_name(c)) for c in columns] or [one]
    return exp.Select(expressions=chosen, from_=exp.From(this=_table(path)))


def _written(statement: exp.Select, dialect: str) -> str:
    standard = dialect in (NO_DIALECT, DATAFUSION)
    return statement.sql(dialect="postgres" if standard else dialect)


def _table(path: Path) -> exp.Table:
    *qualifiers, name = map(_name, path)
    db = qualifiers.pop() if qualifiers else None
    catalog = qualifiers.pop() if qualifiers else None
    return exp.Table(this=name, db=db, catalog=catalog)


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
