"""A MariaDB server of its own, from Debian's programs: no service, no socket, no file outside its folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymysql

from tests.processes import free_port

USER, PASSWORD = "owner", "s3cret/pass word@'\"%"
READER = "reader"  # a login that may read everything, change nothing, and has no password
ACCOUNT = "nobody"  # mariadbd refuses to run as root
PROGRAMS = ("mariadbd", "mariadb-install-db")


def absent() -> str:
    """Why no server can be started here, and what would help; "" if one can."""
    missing = [program for program in PROGRAMS if _path(program) is None]
    return f"no {' and no '.join(missing)} here: apt-get install -y mariadb-server" if missing else ""


def _path(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Server:
    """`with serving() as server:` then `server.url("housing")`, `server.database("housing")`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.account: Mapping[str, Any] = {}
        if os.geteuid() == 0:
            import pwd

            known = pwd.getpwnam(ACCOUNT)
            self.account = {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}
            os.chown(folder, known.pw_uid, known.pw_gid)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def _environ(self) -> dict[str, str]:
        path = f"{os.environ['PATH']}:/usr/sbin"
        own = str(self.folder)  # two that are made at once would meet in /tmp
        return {"PATH": path, "LC_ALL": "C", "HOME": own, "TMPDIR": own, "TZ": "Europe/London"}

    def make(self) -> None:
        made = subprocess.run(
            [
                *(_path("mariadb-install-db") or "", "--no-defaults", f"--datadir={self.folder / 'data'}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin"),
            ],
            capture_output=True, cwd=self.folder, env=self._environ, **self.account,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout.decode() + made.stderr.decode()

    def start(self) -> None:
        """Started, and ready when this returns."""
        log = self.folder / "log"
        log.write_bytes(b"")
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *(_path("mariadbd") or "", "--no-defaults", f"--datadir={self.folder / 'data'}"),
                    *(f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self.folder / 'socket'}"),
                    *("--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-name-resolve"),
                    *("--max-allowed-packet=64M", "--pid-file=pid", "--performance-schema=0", "--skip-log-bin"),
                ],
                stdout=output, stderr=output, cwd=self.folder, env=self._environ, **self.account,
            )  # fmt: skip
        for _ in range(1200):
            if re.search(rb"ready for connections", log.read_bytes()):
                return
            assert self.process.poll() is None, log.read_text()
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError(log.read_text())

    def kill(self) -> None:
        """As a machine that loses its power."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def url(self, database: str = "", *, user: str = USER, password: str = PASSWORD) -> str:
        return f"mysql://{quote(user)}:{quote(password, safe='')}@127.0.0.1:{self.port}/{quote(database)}"

    def reader(self, database: str = "") -> str:
        """A url that may stand in a file."""
        return f"mysql://{READER}@127.0.0.1:{self.port}/{quote(database)}"

    def admin(self, database: str = "", *, user: str = "root", password: str = "") -> Session:
        """A session that may do everything, each statement at once, whatever MySQL of old would have let in."""
        return Session(
            pymysql.connect(
                host="127.0.0.1", port=self.port, user=user, password=password, database=database or None,
                charset="utf8mb4", autocommit=True, sql_mode="", client_flag=65536,
            )
        )  # fmt: skip

    @contextmanager
    def database(self, name: str) -> Iterator[Session]:
        """A new database, and an `admin` in it; dropped at the end."""
        with self.admin() as first:
            first.execute(f"DROP DATABASE IF EXISTS `{name}`")
            first.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        try:
            with self.admin(name) as session:
                yield session
        finally:
            with self.admin() as last:
                last.execute(f"DROP DATABASE IF EXISTS `{name}`")


class Session:
    """`execute` gives the rows."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def execute(self, sql: str, arguments: object = None) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return list(cursor.fetchall())


@contextmanager
def serving() -> Iterator[Server]:
    """A new server, in a folder of its own, which is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="fig-my-"))
    server = Server(folder)
    try:
        server.make()
        server.start()
        with server.admin() as session:
            session.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (USER, PASSWORD))
            session.execute("GRANT ALL ON *.* TO %s@'%%'", (USER,))
            session.execute("CREATE USER %s@'%%'", (READER,))
            session.execute("GRANT SELECT ON *.* TO %s@'%%'", (READER,))
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
