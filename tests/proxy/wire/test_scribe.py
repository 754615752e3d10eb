"""Lines are written whole by a thread of their own; what cannot be written holds nobody up, and is counted."""

from __future__ import annotations

import os
import resource
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.wire.scribe import WAITING_LIMIT, Scribe


@pytest.fixture
def scribe() -> Iterator[Scribe]:
    one = Scribe()
    yield one
    one.stop(2.0)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.005)  # another thread's doing


def lines(count: int, mark: str = "line", length: int = 0) -> bytes:
    return b"".join(b"%s %d %s\n" % (mark.encode(), number, b"x" * length) for number in range(count))


def test_a_file_is_made_for_its_owner_alone(scribe: Scribe, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        scribe.write(str(tmp_path / "access.log"), lines(3))
        until(lambda: scribe.written == 3)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "access.log").stat().st_mode) == 0o600
    assert (tmp_path / "access.log").read_bytes() == lines(3)


def test_what_is_there_is_kept(scribe: Scribe, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_bytes(b"older\n")
    scribe.write(str(tmp_path / "access.log"), lines(1))
    until(lambda: scribe.written == 1)
    assert (tmp_path / "access.log").read_bytes() == b"older\nline 0 \n"


def test_a_file_that_was_renamed_is_begun_again(scribe: Scribe, tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    scribe.write(str(file), lines(2, "before"))
    until(lambda: scribe.written == 2)
    file.rename(tmp_path / "access.log.1")
    scribe.write(str(file), lines(2, "after"))
    until(lambda: scribe.written == 4)
    assert (tmp_path / "access.log.1").read_bytes() == lines(2, "before")
    assert file.read_bytes() == lines(2, "after")


def test_a_full_disk_loses_lines_and_says_why(scribe: Scribe, tmp_path: Path) -> None:
    assert scribe.write("/dev/full", lines(7))
    until(lambda: scribe.lost == 7)
    assert (scribe.written, scribe.why) == (0, "No space left on device")
    scribe.write(str(tmp_path / "elsewhere"), lines(2))
    until(lambda: scribe.written == 2)


def test_a_disk_that_fills_within_a_line_does_not_join_it_to_the_next(scribe: Scribe, tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        scribe.write(str(file), lines(4))
        until(lambda: scribe.lost == 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert scribe.written == 2
    assert file.read_bytes() == b"line 0 \nline 1 \nline"
    scribe.write(str(file), lines(1, "again"))
    until(lambda: scribe.written == 3)
    assert file.read_bytes() == b"line 0 \nline 1 \nline\nagain 0 \n"
    assert scribe.lost == 2


def test_a_folder_that_is_gone_loses_lines_until_it_is_back(scribe: Scribe, tmp_path: Path) -> None:
    file = tmp_path / "logs" / "access.log"
    scribe.write(str(file), lines(2))
    until(lambda: scribe.lost == 2)
    file.parent.mkdir()
    scribe.write(str(file), lines(3))
    until(lambda: scribe.written == 3)


def test_a_reader_that_is_stuck_holds_nobody_up(scribe: Scribe, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    piece = lines(300, length=100)
    taken = 0
    while scribe.write(str(pipe), piece):
        taken += len(piece)
        assert taken <= WAITING_LIMIT + (1 << 20), "what waits is bounded"
    assert taken > WAITING_LIMIT / 2
    got = b""
    while len(got) < taken:
        try:
            got += os.read(reader, 1 << 16)
        except BlockingIOError:
            threading.Event().wait(0.001)
    assert got == piece * (taken // len(piece)), "once it reads on, nothing of what was taken is missing"
    os.close(reader)


def test_a_reader_that_is_gone_loses_lines(scribe: Scribe, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    scribe.write(str(pipe), lines(5))
    until(lambda: scribe.lost == 5)
    assert scribe.why == "No such device or address"


def test_lines_of_two_that_share_a_pipe_do_not_mix(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    both = [Scribe(), Scribe()]
    sent = [lines(400, mark, length) for mark, length in (("one", 900), ("other", 1300))]
    for scribe, its in zip(both, sent, strict=True):
        assert scribe.write(str(pipe), its)
    got = b""
    while len(got) < sum(map(len, sent)):
        try:
            got += os.read(reader, 1 << 16)
        except BlockingIOError:
            threading.Event().wait(0.001)
    for mark, its in zip((b"one", b"other"), sent, strict=True):
        assert b"".join(line for line in got.splitlines(keepends=True) if line.startswith(mark)) == its
    for scribe in both:
        scribe.stop(2.0)
    os.close(reader)


def test_a_stop_writes_what_waits(tmp_path: Path) -> None:
    scribe = Scribe()
    scribe.write(str(tmp_path / "access.log"), lines(1000))
    scribe.stop(10.0)
    assert (tmp_path / "access.log").read_bytes() == lines(1000)


def test_a_stop_does_not_wait_for_who_is_stuck(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    scribe = Scribe()
    scribe.write(str(pipe), lines(3000, length=100))
    began = time.monotonic()
    scribe.stop(0.3)
    assert time.monotonic() - began < 5
    until(lambda: scribe.lost > 0)
    assert scribe.why == "its reader took no more"
    os.close(reader)
