"""How answers differed, as whoever judges has found it since the last time: added to what the day has of it."""

from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy import Connection, func
from sqlalchemy.dialects import postgresql, sqlite

from proxy.findings import Finding
from proxy.ledger.schema import DAY, differences


def note_differences(connection: Connection, findings: Iterable[Finding]) -> None:
    """Of one that is there already the counts are added up, and the rest is the newest's."""
    rows = [_row(each) for each in findings]
    if not rows:
        return
    table = differences
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    new = insert.excluded
    values = {
        "count": table.c.count + new.count,
        "last": new.last,
        "example": new.example,
        **{name: func.coalesce(new[name], table.c[name]) for name in ("control_value", "candidate_value")},
    }
    connection.execute(insert.on_conflict_do_update(index_elements=["day", "id"], set_=values), rows)


def _row(found: Finding) -> dict[str, object]:
    key = (found.slice, found.pattern, found.path, found.kind)
    control, candidate = found.values or (None, None)
    return {
        "day": int(found.last) // DAY * DAY,
        "id": blake2b("\0".join(key).encode(), digest_size=12).hexdigest(),
        **dict(zip(("slice", "pattern", "path", "kind"), key, strict=True)),
        "control": found.control,
        "candidate": found.candidate,
        "count": found.count,
        "first": found.first,
        "last": found.last,
        "example": found.examples[0] if found.examples else "",
        "control_value": control,
        "candidate_value": candidate,
    }
