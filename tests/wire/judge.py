"""Judges what was seen of a case: what holds for every case, and what the case's own verdict asks. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tests.wire.backend import TOKEN
from tests.wire.case import (
    EVIL,
    ID,
    SMUGGLED,
    Answered,
    AnyOf,
    BadGateway,
    Case,
    Cut,
    Gone,
    Halted,
    Passed,
    Refused,
    Safe,
    Switched,
    Verdict,
)
from tests.wire.player import Seen
from tests.wire.reader import Head, Message


def judge(case: Case, seen: Seen) -> tuple[list[str], list[str]]:
    """What is wrong: by the RFC, and by the stricter verdict of ours."""
    must = harms(case, seen) + ([] if _speaks_no_old(case, seen) else against(case.must, seen))
    loose = [each for each in seen.backend.bad if each.startswith("loose")] + seen.unserved
    strict = loose + (against(case.strict, seen) if case.strict is not None else [])
    return must, strict


def _speaks_no_old(case: Case, seen: Seen) -> bool:
    """Whether the proxy says that it does not serve HTTP/1.0 at all: then nothing more is asked there."""
    return case.is_old and bool(seen.replies) and seen.replies[0].status in (426, 505) and not seen.backend.heads


def harms(case: Case, seen: Seen) -> list[str]:
    """What must never happen, whatever the case."""
    backend = seen.backend
    wrong = [f"the backend got what is no request: {each}" for each in backend.bad if not each.startswith("loose")]
    wrong += [f"smuggled: {each.raw[:200]!r}" for each in backend.requests if SMUGGLED in each.target]
    sent = {(each.method, each.target) for each in _of_the_case(seen)}
    if len(sent) > len(case.expected):
        wrong.append(f"{len(sent)} requests out of {len(case.expected)}: {sorted(sent)!r}")
    if EVIL in seen.received:
        wrong.append(f"bytes reached the citizen that were not for it: {seen.received[:400]!r}")
    if seen.strangers:
        wrong.append(f"bytes of another citizen's reply: {seen.received[:400]!r}")
    if seen.bad_reply and not _is_cut(seen) and not case.foreign:
        wrong.append(f"the citizen got what is no reply: {seen.bad_reply}, in {seen.received[:300]!r}")
    # An error for what is left over harms nobody; were that a request, the backend would have seen it.
    too_many = [each for each in seen.replies[len(case.expected) :] if each.status < 400]
    if too_many and seen.variant != "junk":
        wrong.append(f"{len(seen.replies)} replies to {len(case.expected)} requests")
    if case.is_old:
        wrong += ["chunked to HTTP/1.0" for each in seen.replies if each.head.values(b"transfer-encoding")]
        wrong += ["an interim reply to HTTP/1.0" for _ in seen.interims]
    return wrong + seen.after


def _of_the_case(seen: Seen) -> list[Message]:
    """The backend's requests but for those that were sent to see what happens to them: afterwards, and behind."""
    asides = (b"/plain/", b"/behind")
    return [each for each in seen.backend.requests if not any(aside in each.target for aside in asides)]


def against(verdict: Verdict, seen: Seen) -> list[str]:
    """What of the verdict does not hold."""
    match verdict:
        case Safe():
            return []
        case AnyOf(options):
            wrongs = [against(option, seen) for option in options]
            return [] if any(not wrong for wrong in wrongs) else ["; or: ".join("; ".join(each) for each in wrongs)]
        case Gone():
            whole = [each.raw[:200] for each in seen.backend.requests]
            return [f"the backend got a whole request: {whole!r}"] if whole else []
        case Refused():
            return _refused(verdict, seen)
        case Halted():
            return _halted(verdict, seen)
        case Answered():
            return _answered(verdict, seen)
        case BadGateway():
            return _bad_gateway(verdict, seen)
        case Cut():
            return _cut(seen)
        case Switched():
            return _switched(verdict, seen)
        case Passed():
            return _passed(verdict, seen)


def _shown(seen: Seen) -> str:
    end = "reset" if seen.was_reset else "closed" if seen.ended else "open"
    return f"the citizen got {seen.received[:160]!r} ({end})"


def _unseen(seen: Seen, *, nor_behind: bool = False) -> list[str]:
    asides = (b"/plain/",) if nor_behind else (b"/plain/", b"/behind")
    got = [head.start for head in seen.backend.heads if not any(aside in head.start[1] for aside in asides)]
    return [f"the backend got {got!r}"] if got else []


def _refused(verdict: Refused, seen: Seen) -> list[str]:
    wrong = _unseen(seen, nor_behind=verdict.closed)
    if not seen.replies:
        # Without a status asked for, a connection closed without a word (or with bytes that are no reply) is as good.
        if verdict.statuses or not seen.closed:
            wrong.append(f"no answer: {_shown(seen)}")
        return wrong
    status = seen.replies[0].status
    if (verdict.statuses and status not in verdict.statuses) or status < 400:
        wrong.append(f"answered {status}")
    if verdict.closed and not seen.closed:
        wrong.append("the connection stays open")
    if verdict.closed and len(seen.replies) > 1:
        wrong.append(f"what follows is answered too: {[each.status for each in seen.replies]}")
    return wrong


def _halted(verdict: Halted, seen: Seen) -> list[str]:
    wrong = [f"the backend got a whole request: {each.raw[:200]!r}" for each in seen.backend.requests]
    if not seen.closed:
        wrong.append(f"the connection stays open: {_shown(seen)}")
    statuses = [each.status for each in seen.replies]
    if (verdict.statuses and (len(statuses) != 1 or statuses[0] not in verdict.statuses)) or any(
        status < 400 for status in statuses
    ):
        wrong.append(f"answered {statuses}")
    return wrong


def _answered(verdict: Answered, seen: Seen) -> list[str]:
    if not seen.replies:
        return [f"no answer: {_shown(seen)}"]
    reply = seen.replies[0]
    wrong = [] if reply.status in verdict.statuses else [f"answered {reply.status}"]
    wrong += _unseen(seen) + _has(reply.head, verdict.reply_has, "the answer")
    return wrong + _lacks(reply.head, verdict.reply_lacks, "the answer")


def _bad_gateway(verdict: BadGateway, seen: Seen) -> list[str]:
    if not seen.replies:
        return [f"no answer: {_shown(seen)}"]
    status = seen.replies[0].status
    return [] if status in verdict.statuses else [f"answered {status}: {_shown(seen)}"]


def _is_cut(seen: Seen) -> bool:
    """Whether the last thing that came is visibly not a whole reply."""
    return seen.was_reset or (seen.closed and bool(seen.unread))


def _cut(seen: Seen) -> list[str]:
    expected = len(seen.case.expected)
    if len(seen.replies) >= expected and not seen.was_reset:
        return [f"the truncated reply looks whole: {_shown(seen)}"]
    if not seen.closed:
        return [f"the connection stays open: {_shown(seen)}"]
    return []


def _switched(verdict: Switched, seen: Seen) -> list[str]:
    if not seen.replies or seen.replies[0].status != 101:
        return [f"no 101: {_shown(seen)}"]
    wrong = _has(seen.replies[0].head, verdict.reply_has, "the 101")
    if verdict.through not in seen.unread:
        wrong.append(f"through the tunnel came {seen.unread[:100]!r}, not {verdict.through!r}")
    return wrong


def _has(head: Head, lines: Sequence[bytes], who: str) -> list[str]:
    wrong = []
    for line in lines:
        name, _, value = line.partition(b":")
        if value.strip() not in head.values(name):
            wrong.append(f"{who} lacks {line.decode('latin-1')!r}, has {head.values(name)!r}")
    return wrong


def _lacks(head: Head, names: Sequence[bytes], who: str) -> list[str]:
    return [f"{who} has {name.decode()}: {head.values(name)!r}" for name in names if head.values(name)]


def _present(head: Head, names: Sequence[bytes], who: str) -> list[str]:
    return [f"{who} has no {name.decode()}" for name in names if not head.values(name)]


def _values(head: Head, wanted: Sequence[tuple[bytes, Sequence[bytes]]], who: str) -> list[str]:
    return [
        f"{who} has {name.decode()}: {head.values(name)!r}, not {list(values)!r}"
        for name, values in wanted
        if head.values(name) != list(values)
    ]


def _passed(verdict: Passed, seen: Seen) -> list[str]:
    requests = _of_the_case(seen)
    wrong = []
    if verdict.requests is not None and len(requests) != verdict.requests:
        return [f"the backend got {len(requests)} requests, not {verdict.requests}; {_shown(seen)}"]
    if requests:
        wrong += _request(verdict, requests[0])
    if seen.variant == "junk" and seen.was_reset:
        return wrong  # 9112, 9.6: bytes unread when a connection closes may take the reply with them
    replies = seen.replies[:-1] if seen.variant == "junk" and len(seen.replies) > verdict.replies else seen.replies
    if len(replies) != verdict.replies:
        return [*wrong, f"{len(replies)} replies, not {verdict.replies}: {_shown(seen)}"]
    if replies:
        wrong += _reply(verdict, replies[0])
    if verdict.interims is not None and [each.status for each in seen.interims] != list(verdict.interims):
        wrong.append(f"interim replies {[each.status for each in seen.interims]}, not {list(verdict.interims)}")
    if seen.unread and not seen.bad_reply and not seen.closed:
        wrong.append(f"more than the replies: {seen.unread[:100]!r}")
    # Junk behind a request ends the connection by itself.
    if verdict.closed is not None and seen.variant != "junk" and verdict.closed != seen.closed:
        wrong.append(f"the connection {'stays open' if verdict.closed else 'is closed'}")
    return wrong


def _request(verdict: Passed, got: Message) -> list[str]:
    wrong = []
    pairs: list[tuple[str, bytes | None, bytes]] = [
        ("method", verdict.method, got.method),
        ("target", verdict.target, _masked(got.target)),
        ("Host", verdict.host, (got.head.values(b"host") or [b""])[0]),
        ("body", verdict.body, got.content),
    ]
    for what, wanted, had in pairs:
        if wanted is not None and wanted != had:
            wrong.append(f"the backend got the {what} {had[:160]!r}, not {wanted[:160]!r}")
    if verdict.chunked is not None and bool(got.head.values(b"transfer-encoding")) != verdict.chunked:
        wrong.append(f"the backend got it {'un' if verdict.chunked else ''}chunked")
    wrong += _has(got.head, verdict.has, "the backend's request")
    wrong += _lacks(got.head, verdict.lacks, "the backend's request")
    wrong += _present(got.head, verdict.present, "the backend's request")
    return wrong + _values(got.head, verdict.values, "the backend's request")


def _reply(verdict: Passed, got: Message) -> list[str]:
    wrong = [] if got.status == verdict.status else [f"the citizen got {got.status}, not {verdict.status}"]
    if verdict.reply_body is not None and got.content != verdict.reply_body:
        wrong.append(f"the citizen got the body {got.content[:160]!r}, not {verdict.reply_body[:160]!r}")
    wrong += _has(got.head, verdict.reply_has, "the citizen's reply")
    wrong += _lacks(got.head, verdict.reply_lacks, "the citizen's reply")
    wrong += _present(got.head, verdict.reply_present, "the citizen's reply")
    return wrong + _values(got.head, verdict.reply_values, "the citizen's reply")


def _masked(target: bytes) -> bytes:
    """The target with the case's token as it was written."""
    return TOKEN.sub(ID, target)


def tally(results: Sequence[tuple[Case, str, Seen]]) -> dict[str, tuple[list[str], list[str]]]:
    """By the name of each case what is wrong, in any of its variants: by the RFC, and by the stricter verdict."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for case, variant, seen in results:
        must, strict = judge(case, seen)
        entry = found.setdefault(case.name, ([], []))
        for place, wrong in zip(entry, (must, strict), strict=True):
            place += [f"{variant}: {each}" for each in itertools.chain(wrong)]
    return found
