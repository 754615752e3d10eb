"""ODBC drivers of this machine, and addresses that use them."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest

INSTALLED = Path("/etc/odbcinst.ini")
PACKAGES = {"PostgreSQL Unicode": "odbc-postgresql", "MariaDB Unicode": "odbc-mariadb", "SQLite3": "libsqliteodbc"}


def driver(name: str) -> str:
    """The name, or a skipped test that says what to install."""
    known = configparser.ConfigParser(strict=False)
    known.read(INSTALLED)
    if name not in known:
        pytest.skip(f"no ODBC driver '{name}' here: apt-get install -y unixodbc {PACKAGES[name]}")
    return name


def url(words: Mapping[str, object]) -> str:
    """`{"driver": "SQLite3"}` -> `odbc://?driver=SQLite3`."""
    return "odbc://?" + urlencode({word: str(value) for word, value in words.items()})
