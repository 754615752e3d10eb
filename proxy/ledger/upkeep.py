"""Keeping the ledger small: minutes rolled up to hours, hours to days, and what is old forgotten. A transaction each.

Rolling up replaces what was there, so doing it again changes nothing.
"""

from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from operator import sub

from sqlalchemy import Connection, Engine, Table, Update, delete, func, insert, literal, select, update

from proxy.ledger.schema import DAY, MEASURES, STEPS, Step, differences, maps, recorded, rolled, routes

# Seconds after its end that an hour or a day is rolled up: what was counted in it is written down by then.
LATE = 120
# Days for which differences are kept, and how many of them at most: what a person would not read to the end.
DIFFERENCE_DAYS, DIFFERENCES = 7, 20_000
# Seconds after which what was written down of a map that nobody writes any more is forgotten: its proxy has stopped.
FORGET_MAPS = DAY
# Pages of the file that are given back at once: 8 MiB, some 20 ms.
PAGES = 2000
# Routes whose rows are rolled up at once: an hour of so many is 60,000 rows, 0.2 s of CPU time. Of 10,000 routes that
# all count, an hour in one transaction took 2 s, and nothing was written meanwhile.
ROUTES = 1000


def keep_up(engine: Engine, now: float, living: str = "") -> Iterator[None]:
    """Everything that is due, one transaction after the other; who runs it may pause between them.

    `living`: the map of counters that is in use, however long nobody has counted.
    """
    for finer, coarser in pairwise(STEPS):
        while (due := _due(engine, finer, coarser, now)) is not None:
            yield from _roll(engine, finer, coarser, due)
    for step, above in zip(STEPS, (*STEPS[1:], None), strict=True):
        _forget(engine, step, above, now)
        yield
        while _delete(engine, step):
            yield
    with engine.begin() as connection:
        _forget_others(connection, now, living)
    yield
    while _give_back(engine):
        yield


def _due(engine: Engine, finer: Step, coarser: Step, now: float) -> tuple[int, int] | None:
    """The hour of minutes, or the day of hours, that is over and not rolled up yet; None if there is none.

    Its beginning, and until when all is rolled up before it.
    """
    with engine.begin() as connection:
        known = {row.step: row for row in connection.execute(select(rolled))}
        if not known:
            return None
        until = int(known[coarser.name].until)
        over = int(now) - LATE if finer is STEPS[0] else known[finer.name].until
        firsts = [_first(connection, tables[finer.name], until) for tables in MEASURES.values()]
        start = min((each for each in firsts if each is not None), default=over) // coarser.seconds * coarser.seconds
        if start + coarser.seconds <= over:
            return start, until
        # Until then there is nothing to sum up.
        connection.execute(_until(coarser, max(until, over // coarser.seconds * coarser.seconds)))
    return None


def _roll(engine: Engine, finer: Step, coarser: Step, due: tuple[int, int]) -> Iterator[None]:
    """In pieces, which nobody reads before the last of them is there."""
    start, until = due
    with engine.begin() as connection:
        last = connection.execute(select(func.max(routes.c.id))).scalar() or 0
    for first in range(0, last + 1, ROUTES):
        with engine.begin() as connection:
            for tables in MEASURES.values():
                _sum_up(connection, tables[finer.name], finer, tables[coarser.name], coarser, start, first)
        yield
    with engine.begin() as connection:
        # Where something was counted meanwhile for before then, it is all to be done again.
        connection.execute(_until(coarser, start + coarser.seconds).where(rolled.c.until == until))
    yield


def _until(step: Step, moment: int) -> Update:
    return update(rolled).where(rolled.c.step == step.name).values(until=moment)


def _first(connection: Connection, table: Table, since: int) -> int | None:
    """When anything was counted first, from then on."""
    at: int | None = connection.execute(select(func.min(table.c.at)).where(table.c.at >= since)).scalar()
    return at


def _sum_up(
    connection: Connection, finer: Table, fine: Step, coarser: Table, coarse: Step, start: int, first: int
) -> None:
    """Of the routes from that number on, ROUTES of them."""
    _, *keys = finer.primary_key
    counts = [column for column in finer.c if not column.primary_key]
    rows = select(literal(start), *keys, *(func.sum(column) for column in counts))
    moments = range(start, start + coarse.seconds, fine.seconds)  # by name: so each is found by the tables' keys
    rows = rows.where(finer.c.at.in_(moments), finer.c.route >= first, finer.c.route < first + ROUTES).group_by(*keys)
    old = (coarser.c.at == start, coarser.c.route >= first, coarser.c.route < first + ROUTES)
    connection.execute(delete(coarser).where(*old))
    connection.execute(insert(coarser).from_select([column.name for column in finer.c], rows))


def _forget(engine: Engine, step: Step, coarser: Step | None, now: float) -> None:
    """What is older than it is kept, or beyond the rows there may be; by whole hours, or days, that are rolled up.

    From then on nobody reads it; `_delete` deletes it.
    """
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
        connection.execute(update(rolled).where(rolled.c.step == step.name).values(forgotten=until))


def _delete(engine: Engine, step: Step) -> bool:
    """The first minute, hour or day that is forgotten, if there is one."""
    with engine.begin() as connection:
        until = connection.execute(select(rolled.c.forgotten).where(rolled.c.step == step.name)).scalar()
        found = False
        for table in (tables[step.name] for tables in MEASURES.values()):
            at = _first(connection, table, 0)
            if until is not None and at is not None and at < until:
                connection.execute(delete(table).where(table.c.at == at))
                found = True
    return found


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
