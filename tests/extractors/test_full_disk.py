"""A disk that is really full: a small one of memory is mounted, and PostgreSQL holds more than it has room for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import extractors
from notation import lake
from tests.servers.postgres import Server, serving

from .crashes import strays

ROOT = Path(__file__).resolve().parents[2]
ROWS = 60_000  # about 7 MB however well they are packed, and 6 parts where a build has 10,000 rows each
HEAD = """version: 1
sources:
  housing: {url: "${HOUSING_URL}"}
datasets:
  jobs:
    title: Jobs
    owner: data@anytown.example.org
    source: housing
    table: jobs
    key: [job_no]
%s    columns:
      job_no: {type: int64}
      changed: {type: timestamp}
      note: {}
"""
CURSOR = "    cursor: {column: changed}\n"
TEXT = "(SELECT string_agg(md5(i::text || n || 'x'), '') FROM generate_series(1, 6) n)"
TABLE = (
    "CREATE TABLE jobs AS SELECT i::bigint AS job_no, timestamp '2024-01-31' + i * interval '1 second' AS changed, "
    f"{TEXT} AS note FROM generate_series(1, {ROWS}) i"
)
LARGE = "256m"
FIG = "import sys; from extractors import build, follow; build.WHOLE, build.PART, follow.STRETCH = 5000, 10000, 10000\n"
FIG += "from fig import main; sys.argv = ['fig', 'extract', 'jobs', *sys.argv[1:]]; main()"


@dataclass
class Disk:
    place: Path

    def size(self, size: str) -> None:
        self._mount("-o", f"remount,size={size}", str(self.place))

    def mount(self) -> str:
        """Why it cannot be; "" if it is."""
        done = self._mount("-t", "tmpfs", "-o", f"size={LARGE}", "tmpfs", str(self.place))
        return done.stderr.strip() if done.returncode else ""

    def _mount(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)

    def leave(self, room: float) -> None:
        """So many bytes of room beside what is there."""
        self.size(str(shutil.disk_usage(self.place).used + round(room)))

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.place)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if shutil.which("mount") is None:
        pytest.skip("there is no program `mount` here")
    made = Disk(tmp_path / "disk")
    made.place.mkdir()
    if why := made.mount():
        pytest.skip(f"no disk of memory may be mounted here: {why}")
    try:
        yield made
    finally:
        made.unmount()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        with running.admin() as admin:
            admin.execute(TABLE)
            admin.execute("ALTER TABLE jobs ADD PRIMARY KEY (job_no)")
        yield running


def fig(server: Server, home: Path, *arguments: str) -> tuple[int, str]:
    """`fig extract jobs`: how it ended, and what it said; with parts and stretches that are small."""
    done = subprocess.run(
        [sys.executable, "-c", FIG, *arguments], cwd=home, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOUSING_URL": server.reader()},
    )  # fmt: skip
    return done.returncode, done.stderr


def seen(home: Path) -> tuple[object, ...]:
    """How many rows a reader sees, and what they are, whatever their order; () if there is no dataset."""
    if "jobs" not in lake.names(home):
        return ()
    rows = extractors.dataset("jobs", home=home).duckdb()
    return rows.query("jobs", "SELECT count(*), sum(hash(job_no, changed, note)) FROM jobs").fetchone() or ()


def declare(home: Path, follows: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "datasets.yaml").write_text(HEAD % follows)
    return home


def weight(home: Path) -> int:
    """Bytes of what was extracted there."""
    return sum(path.stat().st_size for path in (home / "data").rglob("*") if path.is_file())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("follows", "shares"),
    [("", (0.01, 0.5, 0.95)), (CURSOR, (0.01, 0.3, 0.3))],  # parts that were read are kept: their room adds up
    ids=["whole", "in parts"],
)
def test_a_first_run_on_a_disk_that_fills(
    follows: str, shares: Sequence[float], server: Server, disk: Disk, tmp_path: Path
) -> None:
    clean = declare(tmp_path / "clean", follows)
    assert fig(server, clean)[0] == 0
    home = declare(disk.place, follows)
    for share in shares:
        disk.leave(share * weight(clean))
        code, said = fig(server, home)
        assert code == 3, said
        assert "there is no space left on the disk" in said.splitlines()[-1], said
        assert "Traceback" not in said
        assert seen(home) == ()
    disk.size(LARGE)
    code, said = fig(server, home)
    assert code == 0, said
    assert seen(home) == seen(clean)
    assert strays(home) == set()


@pytest.mark.slow
@pytest.mark.parametrize("follows", ["", CURSOR], ids=["whole", "what is new"])
@pytest.mark.parametrize("more", [(), ("--full",)], ids=["", "--full"])
def test_a_later_run_on_a_disk_that_fills(
    follows: str, more: Sequence[str], server: Server, disk: Disk, tmp_path: Path
) -> None:
    home = declare(disk.place, follows)
    assert fig(server, home)[0] == 0
    before = seen(home)
    with server.admin() as admin:
        admin.execute("UPDATE jobs SET note = reverse(note), changed = now() WHERE job_no % 3 = 0")
    clean = declare(tmp_path / "clean", follows)
    assert fig(server, clean)[0] == 0
    for share in (0.005, 0.1):
        disk.leave(share * weight(clean))
        code, said = fig(server, home, *more)
        assert code == 3, said
        assert "there is no space left on the disk" in said.splitlines()[-1], said
        assert seen(home) in (before, seen(clean)), "a commit that took, with no room for what comes after it"
    disk.size(LARGE)
    code, said = fig(server, home, *more)
    assert code == 0, said
    assert seen(home) == seen(clean)
    assert strays(home) == set()
