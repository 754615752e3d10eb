"""A Parquet file's footer -> the statistics of its Delta entry: bounds that are never tighter than the values. Pure."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq

TEXT = 32  # characters of a bound
EXACT = 15  # digits a JSON number carries through every reader


def statistics(footer: pq.FileMetaData) -> dict[str, object]:
    """`{"numRecords": …, "minValues": …, "maxValues": …, "nullCount": …}`.

    Only the number of records if some column has no bounds that can be told: deltalake 1.6.6 then drops rows of a
    filtered read, where a file has bounds for only some of its columns.
    """
    low: dict[str, object] = {}
    high: dict[str, object] = {}
    nulls: dict[str, int] = {}
    for at in range(footer.num_columns):
        name = footer.schema.column(at).path
        groups: list[Any] = [footer.row_group(group).column(at) for group in range(footer.num_row_groups)]
        if not all(g.statistics is not None and g.statistics.has_null_count for g in groups):
            return {"numRecords": footer.num_rows}
        nulls[name] = sum(g.statistics.null_count for g in groups)
        filled = [g for g in groups if g.statistics.null_count < g.num_values]
        if not filled:
            continue  # NULLs only: no bounds, and none are missed
        if not all(g.statistics.has_min_max for g in filled):
            return {"numRecords": footer.num_rows}
        least = _bound(min(g.statistics.min for g in filled), upper=False)
        most = _bound(max(g.statistics.max for g in filled), upper=True)
        if least is None or most is None:
            return {"numRecords": footer.num_rows}
        low[name], high[name] = least, most
    return {"numRecords": footer.num_rows, "minValues": low, "maxValues": high, "nullCount": nulls}


def _bound(value: object, *, upper: bool) -> object:
    match value:
        case bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return _moment(value, upper=upper)
        case date():
            return value.isoformat()
        case Decimal():
            return float(value) if len(value.as_tuple().digits) <= EXACT else None
        case str():
            return value if len(value) <= TEXT else value[:TEXT] + ("\U0010ffff" if upper else "")
    return None


def _moment(value: datetime, *, upper: bool) -> str | None:
    value = value.astimezone(UTC) if value.tzinfo else value
    if upper and value.microsecond % 1000:  # Delta keeps milliseconds
        try:
            value += timedelta(milliseconds=1)
        except OverflowError:
            return None
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
