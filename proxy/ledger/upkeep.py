"""Keeping the ledger small: minutes rolled up to hours, hours to days, and what is old forgotten. A transaction each.

Rolling up replaces what was there, so doing it again changes nothing.
"""

from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from operator import sub

from sqlalchemy import Connection, Engine, Table, Update, delete, func, insert, literal, select, update

from proxy.ledger.schema import DAY, MEASURES, STEPS, Step, differences, maps, recorded, rolled

# Seconds after its end that an hour or a day is rolled up: what was counted in it is written down by then.
LATE = 120
# Days for which differences are kept, and how many of them at most: what a person would not read to the end.
DIFFERENCE_DAYS, DIFFERENCES = 7, 20_000
# Seconds after which what was written down of a map that nobody writes any more is forgotten: its proxy has stopped.
FORGET_MAPS = DAY
# Pages of the file that are given back at once: 8 MiB, some 20 ms.
PAGES = 2000


def keep_up(engine: Engine, now: float, living: str = "") -> Iterator[None]:
    """Everything that is due, one transaction after the other; who runs it may pause between them.

    `living`: the map of counters that is in use, however long nobody has counted.
    """
    for finer, coarser in pairwise(STEPS):
        while _roll(engine, finer, coarser, now):
            yield
    for step, above in zip(STEPS, (*STEPS[1:], None), strict=True):
        _forget(engine, step, above, now)
        yield
    with engine.begin() as connection:
        _forget_others(connection, now, living)
    yield
    while _give_back(engine):
        yield


def _roll(engine: Engine, finer: Step, coarser: Step, now: float) -> bool:
    """One hour of minutes, or one day of hours, if there is one that is over and not rolled up yet."""
    with engine.begin() as connection:
        known = {row.step: row for row in connection.execute(select(rolled))}
        if not known:
            return False
        over = int(now) - LATE if finer is STEPS[0] else known[finer.name].until
        firsts = [_first(connection, tables[finer.name], known[coarser.name].until) for tables in MEASURES.values()]
        start = min((each for each in firsts if each is not None), default=over) // coarser.seconds * coarser.seconds
        end = start + coarser.seconds
        if end > over:  # until then there is nothing to sum up
            connection.execute(
                _until(coarser, max(known[coarser.name].until, over // coarser.seconds * coarser.seconds))
            )
            return False
        for tables in MEASURES.values():
            _sum_up(connection, tables[finer.name], tables[coarser.name], start, end)
        connection.execute(_until(coarser, end))
    return True


def _until(step: Step, moment: int) -> Update:
    return update(rolled).where(rolled.c.step == step.name).values(until=moment)


def _first(connection: Connection, table: Table, since: int) -> int | None:
    """When anything was counted first, from then on."""
    at: int | None = connection.execute(select(func.min(table.c.at)).where(table.c.at >= since)).scalar()
    return at


def _sum_up(connection: Connection, finer: Table, coarser: Table, start: int, end: int) -> None:
    _, *keys = finer.primary_key
    counts = [column for column in finer.c if not column.primary_key]
    rows = select(literal(start), *keys, *(func.sum(column) for column in counts))
    rows = rows.where(finer.c.at >= start, finer.c.at < end).group_by(*keys)
    connection.execute(delete(coarser).where(coarser.c.at == start))
    connection.execute(insert(coarser).from_select([column.name for column in finer.c], rows))


def _forget(engine: Engine, step: Step, coarser: Step | None, now: float) -> None:
    """What is older than it is kept, or beyond the rows there may be; by whole hours, or days, that are rolled up."""
    with engine.begin() as connection:
        known = {row.step: row for row in connection.execute(select(rolled))}
        if not known:
            return
        whole = coarser.seconds if coarser else step.seconds
        until = (int(now) - step.keep) // whole * whole
        for tables in MEASURES.values():
            until = max(until, -(-_surplus(connection, tables[step.name], step.rows) // whole) * whole)
        if coarser:
            until = min(until, known[coarser.name].until)
        if until <= known[step.name].forgotten:
            return
        for tables in MEASURES.values():
            connection.execute(delete(tables[step.name]).where(tables[step.name].c.at < until))
        connection.execute(update(rolled).where(rolled.c.step == step.name).values(forgotten=until))


def _surplus(connection: Connection, table: Table, room: int) -> int:
    """Before which moment there are rows for which there is no room; 0 if there is room for all."""
    count = connection.execute(select(func.count()).select_from(table)).scalar_one()
    if count <= room:
        return 0
    moments = connection.execute(select(table.c.at, func.count()).group_by(table.c.at).order_by(table.c.at)).all()
    left = accumulate((rows for _, rows in moments), sub, initial=count)
    return next(int(at) + 1 for (at, _), rest in zip(moments, islice(left, 1, None), strict=True) if rest <= room)


def _forget_others(connection: Connection, now: float, living: str) -> None:
    connection.execute(delete(differences).where(differences.c.day < now - (DIFFERENCE_DAYS + 1) * DAY))
    surplus = select(differences.c.day, differences.c.id).order_by(differences.c.last.desc()).offset(DIFFERENCES)
    for row in connection.execute(surplus).all():
        connection.execute(delete(differences).where(differences.c.day == row.day, differences.c.id == row.id))
    dead = select(maps.c.id).where(maps.c.last < now - FORGET_MAPS, maps.c.id != living)
    for row in connection.execute(dead).all():
        connection.execute(delete(recorded).where(recorded.c.map == row.id))
        connection.execute(delete(maps).where(maps.c.id == row.id))


def _give_back(engine: Engine) -> bool:
    """Some of the file's free pages to the disk; whether there may be more. PostgreSQL sees to that itself."""
    if engine.dialect.name != "sqlite":
        return False
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        free: int = driver.execute("PRAGMA freelist_count").fetchone()[0]
        driver.executescript(f"PRAGMA incremental_vacuum({PAGES})")  # `execute` gives back a single page
    return free > PAGES
