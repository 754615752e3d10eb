"""`fig demo`: the sample council, whole."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click

from demo.children import Children, Died, Failed
from demo.ports import Ports, settle
from demo.show import Show
from demo.tour import ONCE, STAY, Tour
from demo.workplace import USUAL, environment, prepare

PORT = click.IntRange(0, 65535)


@click.command(
    epilog="""\b
Examples:
  fig demo                  all of it, until Ctrl-C
  fig demo --once           check every step, then end
  fig demo --port 8090      where 8080 is taken
  fig demo --keep anytown   leave the folder behind
"""
)
@click.option("--once", is_flag=True, help="Take the tour, check every step, and end: exit 0 only if all held.")
@click.option("--small", is_flag=True, help="A council of hundreds of rows instead of ten thousands.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Work in this new folder and leave it there; default: a temporary one that is removed.",
)
@click.option(
    "--port",
    type=PORT,
    default=USUAL.proxy,
    show_default=True,
    help="The proxy's port; 0 takes a free one, here and below.",
)
@click.option(
    "--admin-port", type=PORT, default=USUAL.admin, show_default=True, help="The port of the proxy's admin pages."
)
@click.option("--legacy-port", type=PORT, default=USUAL.legacy, show_default=True, help="Legacy's port.")
@click.option("--slice-port", type=PORT, default=USUAL.slice, show_default=True, help="The slice's port.")
def demo(
    *, once: bool, small: bool, keep: Path | None, port: int, admin_port: int, legacy_port: int, slice_port: int
) -> None:
    """The sample council, whole: data out, a slice compared and promoted, a query. Then it stays up until Ctrl-C."""
    ports = settle({"proxy": port, "admin": admin_port, "legacy": legacy_port, "slice": slice_port})
    show, started = Show(), time.monotonic()
    try:
        with _stopping(), _folder(keep) as folder:
            prepare(folder, ports)
            with Children(folder, environment(folder, os.environ)) as children:
                tour = Tour(folder, ports, "small" if small else "full", children, show)
                for step in ONCE if once else STAY:
                    step(tour)
                if once:
                    show.say(f"All {show.steps} steps held, in {time.monotonic() - started:.1f} seconds.")
                else:
                    _stay(show, children, folder, ports)
    except Failed as failure:
        show.complain(failure.what, failure.log)
        sys.exit(3 if isinstance(failure, Died) else 1)
    except OSError as exc:
        show.complain(f"something outside failed: {exc}", "")
        sys.exit(3)
    except KeyboardInterrupt:
        show.say("Stopped.")
        sys.exit(1 if once else 0)


def _stay(show: Show, children: Children, folder: Path, ports: Ports) -> None:
    """Says what there is to try, and waits until somebody ends it or a child dies."""
    show.say()
    for line in (
        f"The council's site   http://127.0.0.1:{ports.proxy}/repairs   (the slice answers; the rest is legacy's)",
        f"Legacy, by itself    http://127.0.0.1:{ports.legacy}/         (sign in: resident or officer, anytown)",
        f"The slice, by itself http://127.0.0.1:{ports.slice}/healthz",
        f"The proxy, for us    http://127.0.0.1:{ports.admin}/",
        f"What differs         http://127.0.0.1:{ports.admin}/slices/repairs",
        f"Everything is in     {folder}",
        "",
        "In another terminal:",
        f"  cd {folder} && export PATH={Path(sys.executable).parent}:$PATH",
        f"  fig explain GET http://127.0.0.1:{ports.proxy}/repairs/100042",
        "  fig rollback repairs",
        '  fig query "SELECT * FROM housing_repairs LIMIT 5"',
        "",
        "Ctrl-C stops everything.",
    ):
        show.say(line)
    while True:
        children.check()
        time.sleep(0.5)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="anytown-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does: with everything it started."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
