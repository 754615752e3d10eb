"""Connections to the ledger: its writer's, whose transactions lock out others from the start, and those that read."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

from proxy.ledger.place import Place

# Seconds to wait for whoever else holds the file, such as somebody's shell, and for a database to be reached.
PATIENCE = 1.0
CONNECT_SECONDS = 3
# Seconds that one statement may take in PostgreSQL; a roll-up of a large table takes a few.
STATEMENT_SECONDS = 30
# Bytes to which the file beside the ledger is cut back that holds what was written last.
WAL_BYTES = 16 * 1024 * 1024
DRIVER_MISSING = "the driver of PostgreSQL is not installed: pip install 'stranglerfig[postgres]'"


class NoDriver(Exception):
    """PostgreSQL is asked for, and cannot be spoken to; the text says what to install."""


def writing(place: Place) -> Engine:
    """For its one writer: a transaction takes the place of writing when it begins. Raises NoDriver, OSError."""
    if place.file is None:
        return _postgres(place)
    _begin_file(place.file)
    engine = create_engine(place.address, poolclass=QueuePool, pool_size=1, connect_args={"timeout": PATIENCE})
    _on_connect(
        engine,
        "PRAGMA auto_vacuum = INCREMENTAL",  # of a new file: before anything is written
        "PRAGMA journal_mode = WAL",
        # Each commit is on the disk: one sync a second, in a thread, and a power cut loses the last second only.
        "PRAGMA synchronous = FULL",
        f"PRAGMA journal_size_limit = {WAL_BYTES}",
    )
    _begin_by(engine, "BEGIN IMMEDIATE")
    return engine


def reading(place: Place) -> Engine:
    """For whoever reads; nothing can be changed over it. Raises NoDriver, FileNotFoundError."""
    if place.file is None:
        return _postgres(place, "-c default_transaction_read_only=on")
    if not place.file.is_file():
        raise FileNotFoundError(f"there is no ledger yet: {place.file}")
    engine = create_engine(place.address, poolclass=NullPool, connect_args={"timeout": PATIENCE})
    _on_connect(engine, "PRAGMA query_only = ON")
    _begin_by(engine, "BEGIN")
    return engine


def drop_cache(engine: Engine) -> None:
    """Let SQLite read the file anew: what somebody has overwritten is noticed, not built upon until the next start."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA shrink_memory")


def _postgres(place: Place, settings: str = "") -> Engine:
    try:
        url = make_url(place.address).set(drivername="postgresql+psycopg")
    except ArgumentError:
        raise NoDriver("ledger: is no URL of a database") from None  # its text would hold the password
    settings += f" -c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={int(PATIENCE * 1000)}ms"
    options = {"connect_timeout": CONNECT_SECONDS, "options": settings, "tcp_user_timeout": 10_000}
    try:
        return create_engine(url, pool_size=2, hide_parameters=True, connect_args=options)
    except ImportError as error:
        raise NoDriver(DRIVER_MISSING) from error


def _begin_file(file: Path) -> None:
    """For its owner alone; SQLite gives the files beside it the same mode."""
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def _on_connect(engine: Engine, *statements: str) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin where SQLAlchemy says, not when the driver sees fit
        for statement in statements:
            connection.execute(statement)


def _begin_by(engine: Engine, statement: str) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(statement)
