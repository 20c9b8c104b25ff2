"""Which Arrow type a column has here, by the type that its driver says. Knows no database."""

from __future__ import annotations

import pyarrow as pa

from connectors.adbc import types


def plain(type_: pa.DataType) -> pa.DataType:
    """A type without the forms that differ in layout only, and with moments in UTC.

    >>> plain(pa.large_string()), plain(pa.timestamp("us", "Europe/Rome"))
    (DataType(string), TimestampType(timestamp[us, tz=UTC]))
    """
    type_ = types.plain(type_)
    if pa.types.is_timestamp(type_) and type_.tz is not None:
        # Some drivers say the zone of whoever asks, which may be another one tomorrow.
        return pa.timestamp(type_.unit, "UTC")
    return type_


def lost(type_: pa.DataType) -> str:
    """What a column of the plain type does not say, as part of a sentence; empty for nothing.

    >>> lost(pa.timestamp("us", "Europe/Rome")), lost(pa.timestamp("us", "UTC"))
    ('the time zone that it is shown in; the moment is kept, in UTC', '')
    """
    shown_in = type_.tz if pa.types.is_timestamp(type_) else None
    if shown_in not in (None, "UTC"):
        return "the time zone that it is shown in; the moment is kept, in UTC"
    return types.lost(type_)
