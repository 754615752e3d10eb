"""What a source does, in a thread: it decodes the next batches while these are written, and a Ctrl-C is heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
DEPTH = 2  # batches held ready: enough to keep both sides busy, at most 64 MiB


def ahead(batches: Iterator[T], cancel: Callable[[], None] = lambda: None) -> Iterator[T]:
    """The same batches. `cancel` ends what runs at the source when a person stops the run (Ctrl-C)."""
    queue: Queue[T | _End] = Queue(DEPTH)
    stopped = Event()
    thread = Thread(target=_fill, args=(batches, queue, stopped), name="source", daemon=True)
    thread.start()
    try:
        while not isinstance(got := queue.get(), _End):
            yield got
    except KeyboardInterrupt:
        cancel()
        raise
    finally:
        stopped.set()
        _drain(queue, thread)
    if got.exc is not None:
        raise got.exc


def heard(question: Callable[[], T], cancel: Callable[[], None]) -> T:
    """The answer to one question, asked in a thread: while a driver waits for it, no Ctrl-C would be heard here."""
    (answer,) = ahead((question() for _ in range(1)), cancel)
    return answer


class _End:
    """What stands behind the last batch: nothing, or why there are no more."""

    def __init__(self, exc: BaseException | None) -> None:
        self.exc = exc


def _fill(batches: Iterator[T], queue: Queue[T | _End], stopped: Event) -> None:
    end = _End(None)
    try:
        for batch in batches:
            queue.put(batch)
            if stopped.is_set():
                break
        if (close := getattr(batches, "close", None)) is not None:
            close()
    except BaseException as exc:  # handed over, and raised where the batches are used
        end = _End(exc)
    queue.put(end)


def _drain(queue: Queue[T | _End], thread: Thread) -> None:
    """Let go of what is still under way, and wait for the thread: it holds the source's connection."""
    while thread.is_alive():
        try:
            queue.get(timeout=0.05)
        except Empty:
            continue
    thread.join()
