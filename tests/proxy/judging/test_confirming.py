"""A mismatch where legacy never differed from itself is asked again of both sides before it counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxy.compare.values import USUAL
from proxy.noise import FIRST, ROUNDS
from tests.proxy.judging.test_judge import GAP, Scene, a_scene, page


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.rereading.TURN_SECONDS", 0.01)
    monkeypatch.setattr("proxy.rereading.GAP", GAP)
    monkeypatch.setattr("proxy.confirming.LOOK_SECONDS", 0.02)


async def learn(scene: Scene) -> None:
    """Until legacy has been read again often enough, and both have always answered alike."""
    for done in range(1, 6):
        await scene.exchange()
        await scene.until_read_again(done)
    await scene.until(matched=5)


def test_what_is_gone_when_it_is_asked_again_is_ignored() -> None:
    said = {"old": "a", "new": "a"}

    async def main(side: str) -> None:
        async with a_scene(lambda: page(said["old"]), lambda: page(said["new"])) as scene:
            await learn(scene)
            for odd in range(1, 3):
                said[side] = "b"
                scene.asking.pacer("old").due = float("inf")  # nobody is asked again before it is as it was
                await scene.exchange()
                await scene.until(matched=5, **{"ignored": odd - 1} if odd > 1 else {}, waits_learning=1)
                said[side] = "a"
                scene.asking.pacer("old").due = 0.0
                await scene.until(matched=5, ignored=odd)
            assert scene.judge.findings.of() == ()
            assert scene.judge.findings.pairs() == ()

    asyncio.run(main("old"))
    asyncio.run(main("new"))


def test_what_may_not_be_asked_again_counts_at_once_and_so_does_a_failing_service() -> None:
    said = {"new": page("a")}

    async def main() -> None:
        async with a_scene(lambda: page("a"), lambda: said["new"]) as scene:
            await learn(scene)
            scene.asking.pacer("old").due = float("inf")
            said["new"] = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
            await scene.exchange()
            await scene.until(matched=5, mismatched=1)
            said["new"] = page("b")
            await scene.exchange(fields="Cookie: JSESSIONID=1\r\n")
            await scene.until(matched=5, mismatched=2)
            reads = len(scene.old.heads)
            await scene.exchange()
            await scene.until(matched=5, mismatched=2, waits_learning=1)
            assert len(scene.old.heads) == reads

    asyncio.run(main())


def test_a_place_is_asked_about_again_until_it_is_known_and_not_of_each_mismatch() -> None:
    said = {"new": "a"}

    async def main() -> None:
        async with a_scene(lambda: page("a"), lambda: page(said["new"]), comparing=replace(USUAL, noise=0.0)) as scene:
            for done in range(1, FIRST + 1):  # no second read is wanted after these
                await scene.exchange()
                await scene.until_read_again(done)
            said["new"] = "b"
            reads = len(scene.old.heads)
            for _ in range(10):
                await scene.exchange()
            await scene.until(matched=FIRST, mismatched=10)
            assert len(scene.old.heads) == reads + ROUNDS

    asyncio.run(main())
