"""Rows and bytes as people read them."""

from __future__ import annotations


def rows_text(rows: float) -> str:
    """A number of rows.

    >>> rows_text(1), rows_text(12345.6)
    ('1 row', '12,346 rows')
    """
    return f"{rows:,.0f} row{'' if round(rows) == 1 else 's'}"


def size_text(size_bytes: float) -> str:
    """A number of bytes in the unit that suits it; 1 kB is 1,000 B.

    >>> size_text(120), size_text(5130), size_text(2.5e9)
    ('120 B', '5.13 kB', '2.5 GB')
    """
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:,.1f} GB"
