"""The jury: whatever a case does to its juror costs that one verdict, within its limits, and the next is heard."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from proxy.compare.values import USUAL, Reply, Unjudged
from proxy.juror import NICE, Case
from proxy.jury import WAITING, WAITING_BYTES, Jury

ROOT = Path(__file__).parents[3]
COMPARE = "tests.proxy.judging.jurors:by_first_word"


@pytest.fixture(autouse=True)
def _jurors_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def case(word: str, size: int = 0) -> Case:
    return Case(Reply(200, (), word.encode() + b" " + bytes(size)), Reply(200, ()), USUAL)


def with_jury(main: Callable[[Jury], Awaitable[None]], size: int = 1, patience: float = 10.0) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), Jury(size, COMPARE, patience) as jury:
            await main(jury)

    asyncio.run(run())


async def heard_by(jury: Jury) -> int:
    """The juror who hears the next case."""
    said = await jury.hear(case("hello"))
    assert isinstance(said, list)
    assert said[0] == "hello"
    return int(said[1])


CASES = [  # what the page does, what comes of it
    ("loop", Unjudged.LIMIT),
    ("loop-in-c", Unjudged.LIMIT),
    ("eat", Unjudged.LIMIT),
    ("raise", Unjudged.FAILED),
    ("die", Unjudged.FAILED),
]


@pytest.mark.parametrize(("word", "unjudged"), CASES)
def test_a_page_that_is_too_much_costs_its_own_verdict(word: str, unjudged: Unjudged) -> None:
    async def main(jury: Jury) -> None:
        await heard_by(jury)
        assert await jury.hear(case(word)) is unjudged
        await heard_by(jury)

    with_jury(main)


def test_a_juror_that_stands_still_is_ended() -> None:
    async def main(jury: Jury) -> None:
        first = await heard_by(jury)
        assert await jury.hear(case("hang")) is Unjudged.LIMIT
        assert await heard_by(jury) != first
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)

    with_jury(main, patience=3.0)


def test_the_interpreters_own_memory_does_not_count() -> None:
    async def main(jury: Jury) -> None:
        assert await jury.hear(case("large")) == 200 * 1024 * 1024

    with_jury(main)


def test_a_juror_comes_after_everybody_else() -> None:
    async def main(jury: Jury) -> None:
        said = await jury.hear(case("hello"))
        assert isinstance(said, list)
        assert said[2] == NICE

    with_jury(main)


def test_one_that_is_killed_is_replaced_and_no_case_that_waited_is_lost() -> None:
    async def main(jury: Jury) -> None:
        killed = 0
        for _ in range(3):
            juror = await heard_by(jury)
            os.kill(juror, signal.SIGKILL)
            killed += 1
            said = await asyncio.gather(*(jury.hear(case("hello")) for _ in range(5)))
            # At most the one that was on its way to it.
            assert sum(each is Unjudged.FAILED for each in said) <= 1
            assert sum(isinstance(each, list) for each in said) >= 4
        assert killed == 3

    with_jury(main)


def test_what_the_jury_does_not_keep_up_with_is_not_judged() -> None:
    async def main(jury: Jury) -> None:
        said = await asyncio.gather(*(jury.hear(case("hello")) for _ in range(WAITING + 40)))
        assert sum(each is Unjudged.FULL for each in said) == 40
        large = WAITING_BYTES // 4
        said = await asyncio.gather(*(jury.hear(case("hello", large)) for _ in range(5)))
        assert [each is Unjudged.FULL for each in said] == [False, False, False, True, True]
        await heard_by(jury)

    with_jury(main)


def test_jurors_end_with_their_keeper() -> None:
    code = (
        "import asyncio, os, signal\n"
        "from proxy.jury import Jury\n"
        "from tests.proxy.judging.test_jury import COMPARE, case\n"
        "async def main():\n"
        "    async with Jury(1, COMPARE) as jury:\n"
        "        said = await jury.hear(case('hello'))\n"
        "        busy = asyncio.create_task(jury.hear(case('loop')))\n"
        "        await asyncio.sleep(0.1)\n"  # so that it is in the loop
        "        print(said[1], flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    juror, until = int(done.stdout), time.monotonic() + 20
    while _runs(juror):
        assert time.monotonic() < until, "an orphan goes on comparing"
        time.sleep(0.02)  # the kernel ends it


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_keeper_imports_no_parser() -> None:
    code = "import sys, proxy.keeper; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = run.stdout.split()
    assert "proxy.judge" in loaded
    assert [name for name in loaded if name.startswith("selectolax") or name == "proxy.compare.compare"] == []
