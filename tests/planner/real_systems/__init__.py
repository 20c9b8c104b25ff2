"""Expressions that DuckDB, SQLite and PostgreSQL answer themselves, and the rows they run over.

Each line of `<dialect>.sql` is an expression over the table `t`, or a statement.
"""
