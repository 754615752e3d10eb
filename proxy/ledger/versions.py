"""Which form the ledger has, and how an older one gets the newest: each version is a function, and a transaction."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, insert, inspect, select, update

from proxy.ledger.schema import facts, metadata

Change = Callable[[Connection], None]


class NewerLedger(Exception):
    """A later version of the program has written it; the text says so."""


# What makes version n of version n - 1; the first makes all of nothing.
CHANGES: Sequence[Change] = (metadata.create_all,)


def bring_up(engine: Engine, changes: Sequence[Change] = CHANGES) -> None:
    """Make it the newest form, or begin it. Raises NewerLedger."""
    with engine.begin() as connection:
        version = _version(connection)
    if version > len(changes):
        raise NewerLedger(f"it has version {version} of its form, and this program knows {len(changes)}")
    for number, change in enumerate(changes[version:], version + 1):
        with engine.begin() as connection:
            change(connection)
            if number == 1:
                connection.execute(insert(facts).values(name="version", value="1"))
            else:
                connection.execute(update(facts).where(facts.c.name == "version").values(value=str(number)))


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(facts.name):
        return 0
    return int(connection.execute(select(facts.c.value).where(facts.c.name == "version")).scalar_one())
