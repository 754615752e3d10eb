"""`fig demo`: the tour holds, everything it started ends with it, and what stands in its way is said."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Callable
from difflib import ndiff
from pathlib import Path

import pytest
from click.testing import CliRunner

from demo.children import Children, Died, Failed
from demo.ports import Ports, settle
from demo.workplace import prepare, with_ports
from fig import main
from notation.problems import ConfigError
from tests.conftest import Start

ANY = ["--port", "0", "--admin-port", "0", "--legacy-port", "0", "--slice-port", "0"]


def nobody_listens(log: str) -> bool:
    """Whether every address the demo named is silent."""
    ports = {int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", log)}
    assert len(ports) >= 3
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return False
    return True


@pytest.mark.slow
def test_the_tour_holds_and_leaves_nothing_behind(start: Start, fig: Path, tmp_path: Path) -> None:
    demo = start([fig, "demo", "--once", "--small", *ANY], environ={"TMPDIR": str(tmp_path)})
    assert demo.wait(seconds=60) == 0
    lines = demo.log.splitlines()
    assert [line[:2].strip() for line in lines if re.match(r" ?\d+ ", line)] == [str(n) for n in range(1, 13)]
    assert any(re.search(r"housing-repairs: 60 new of 660 rows, read in \d+\.\d s", line) for line in lines)
    assert any(re.search(r"json:\$\.cost .* GET /api/repairs/1000\d\d\.json$", line) for line in lines)
    assert any("GET /repairs/100042 is answered by legacy" in line for line in lines)
    assert any("GET /repairs/100042 is answered by the repairs slice, with the same facts" in line for line in lines)
    assert any("A repair reported through the slice has legacy's job number 100661" in line for line in lines)
    assert any("After fig rollback repairs, legacy answers, and knows job 100661" in line for line in lines)
    assert re.fullmatch(r"All 12 steps held, in \d+\.\d seconds\.", lines[-1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_it_stays_up_until_told_and_then_stops_everything(start: Start, fig: Path, tmp_path: Path) -> None:
    demo = start([fig, "demo", "--small", "--keep", tmp_path / "kept", *ANY])
    demo.wait_for("Ctrl-C stops everything", seconds=60)
    demo.send(signal.SIGTERM)
    assert demo.wait() == 0
    assert demo.log.endswith("Stopped.\n")
    assert nobody_listens(demo.log)
    routes = (tmp_path / "kept" / "routes.yaml").read_text()
    assert "    stage: live\n" in routes
    assert "# whatever no route below claims" in routes


@pytest.mark.slow
def test_a_part_that_dies_ends_the_demo_with_the_end_of_its_log(start: Start, fig: Path, tmp_path: Path) -> None:
    demo = start([fig, "demo", "--small", "--keep", tmp_path / "kept", *ANY])
    port = demo.wait_for(r"The repairs slice answers at http://127\.0\.0\.1:(\d+)", seconds=60)[1]
    demo.wait_for("Ctrl-C stops everything", seconds=60)
    holder = next(path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if _serves(path, port))
    os.kill(int(holder.name), signal.SIGKILL)
    assert demo.wait() == 3
    assert (
        f"failed: slice ended by itself (signal 9); its log is {tmp_path / 'kept' / 'logs' / 'slice.log'}" in demo.log
    )
    assert re.search(r"its log is .*slice\.log\n( .* \"GET /api/repairs/.*\n)+", demo.log), "its last lines are shown"
    assert nobody_listens(demo.log)


def _serves(path: Path, port: str) -> bool:
    try:
        words = path.read_bytes().split(b"\0")
    except OSError:
        return False
    return b"slice" in words and port.encode() in words


def test_a_port_that_is_taken_is_said_with_its_holder_and_the_flag(start: Start, fig: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = holder.getsockname()[1]
        demo = start(
            [
                fig,
                "demo",
                "--once",
                "--port",
                "0",
                "--legacy-port",
                str(taken),
                "--admin-port",
                "0",
                "--slice-port",
                "0",
            ]
        )
        assert demo.wait() == 2
    assert re.fullmatch(
        rf"port {taken}, for legacy, is taken by \S+ \(process \d+\)\n"
        r"    stop it, or choose another port: fig demo --legacy-port \d+; 0 takes any that is free\n",
        demo.log,
    )


@pytest.mark.parametrize("option", ["--port", "--admin-port", "--legacy-port", "--slice-port"])
@pytest.mark.parametrize("number", ["70000", "-1"])
def test_a_port_that_is_none_is_wrong_usage(option: str, number: str) -> None:
    result = CliRunner().invoke(main, ["demo", option, number], prog_name="fig")
    assert result.exit_code == 2
    assert result.output.endswith(f"Error: Invalid value for '{option}': {number} is not in the range 0<=x<=65535.\n")


def test_a_port_that_is_wanted_twice_is_said(port: Callable[[], int]) -> None:
    one = port()
    with pytest.raises(ConfigError) as refused:
        settle({"proxy": one, "admin": one, "legacy": 0, "slice": 0})
    assert str(refused.value) == f"port {one} is wanted twice\n    give each part a port of its own"


def test_a_folder_with_something_in_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(ConfigError) as refused:
        prepare(tmp_path, Ports(1, 2, 3, 4))
    assert str(refused.value) == f"{tmp_path} is not empty\n    name a folder that is new, or remove this one"


def test_the_copy_of_routes_differs_in_its_ports_only(root: Path) -> None:
    """Ports may even swap places."""
    text = (root / "routes.yaml").read_text()
    copy = with_ports(text, Ports(proxy=8081, admin=1234, legacy=8080, slice=5678))
    added = [line[2:].split("#")[0].strip() for line in ndiff(text.splitlines(), copy.splitlines()) if line[:2] == "+ "]
    assert added == [
        "listen: 127.0.0.1:8081",
        "admin: 127.0.0.1:1234",
        "url: http://127.0.0.1:8080",
        "repairs:",  # its comment names legacy's address
        "url: http://127.0.0.1:5678",
    ]
    assert copy.count("#") == text.count("#")


def test_the_secret_of_the_demo_is_its_own_and_nobody_elses(tmp_path: Path) -> None:
    for name in ("a", "b"):
        prepare(tmp_path / name, Ports(1, 2, 3, 4))
    one, other = (tmp_path / name / "keys.toml" for name in ("a", "b"))
    assert one.stat().st_mode & 0o777 == 0o600
    assert one.read_text() != other.read_text()


def test_a_child_that_is_not_ready_in_time_is_said_and_stopped(tmp_path: Path) -> None:
    with pytest.raises(Failed) as late, Children(tmp_path, {}) as children:
        children.start("sleeper", ["/bin/sh", "-c", "echo waking; exec sleep 60"], lambda: False, within=0.3)
    assert (str(late.value), late.value.log) == ("sleeper was not ready within 0 seconds", "waking")


def test_a_child_that_ends_at_once_is_said_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(Died) as died, Children(tmp_path, {}) as children:
        children.start("faller", ["/bin/sh", "-c", "echo no room; exit 4"], lambda: False)
    assert str(died.value) == f"faller ended by itself (exit 4); its log is {tmp_path / 'logs' / 'faller.log'}"
    assert died.value.log == "no room"
