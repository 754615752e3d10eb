"""Which side a visitor is on, where a slice moves its visitors one by one. Pure: no clock, no dice.

    bucket_of(b"5f0c…", b"repairs") -> 6310     (of 10,000: at `canary 10%` the first 1,000 are the slice's)

A visitor is an id at random, in a cookie of our own, or the value of the cookie that `sticky:` names. Hashed together
with the slice, so that who is early in one slice is not early in all; and compared with the share, so that raising it
moves nobody back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from proxy.cookies import VISITOR, WROTE, first_cookie

# A hundredth of a percent each: the finest canary there is.
BUCKETS = 10_000
# 128 bits: nobody meets another's by chance, and it says nothing of who has it.
ID_BYTES = 16
# Longer than a slice takes from its first percent to all; after that a visitor is drawn anew, and not known for ever.
ID_SECONDS = 90 * 86_400
# How long who wrote to legacy stays there. Where datasets say when they are newer: at most this, should no run come any
# more. Where none are named: until any nightly run has come.
STAYS_SECONDS, STAYS_BLINDLY_SECONDS = 30 * 86_400, 86_400

_ID = re.compile(rb"[0-9a-f]{%d}" % (2 * ID_BYTES))
_MOMENT = re.compile(rb"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Visiting:
    """How a slice at `canary` or `live` knows its visitors. `share`: the buckets that are its; None at `live`: all.

    `sticky`: the cookie that seeds the bucket, None for our own; `has_datasets`: they say when what was written to
    legacy has reached the slice.
    """

    slice: bytes
    share: int | None
    sticky: bytes | None = None
    has_datasets: bool = False


@dataclass(slots=True)
class Visit:
    """What a request says of its visitor. `bucket` None: nothing yet, and legacy answers.

    `newcomer`: the id that the visitor is to get; `stays`: with legacy, having written there; `writes`: may do so now.
    """

    visiting: Visiting
    bucket: int | None = None
    newcomer: bytes | None = None
    stays: bool = False
    writes: bool = False

    @property
    def is_outside(self) -> bool:
        """Whether a canary leaves this visitor with legacy."""
        share = self.visiting.share
        return share is not None and (self.bucket is None or self.bucket >= share)

    @property
    def stays_seconds(self) -> int:
        """How long the visitor is kept with legacy at most, after it has taken a write."""
        return STAYS_SECONDS if self.visiting.has_datasets else STAYS_BLINDLY_SECONDS


def visit_of(
    lines: bytes, visiting: Visiting, newcomer: bytes | None, as_of: Mapping[bytes, int], *, writes: bool
) -> Visit | None:
    """The visit that a request of these lines belongs to; None where nothing hangs on it.

    `newcomer`: the id for who has none; `as_of`: by slice, the second up to which its datasets know what legacy knows.
    """
    stays = _stays(first_cookie(lines, WROTE + visiting.slice), as_of.get(visiting.slice, 0))
    if visiting.share is None:
        return Visit(visiting, stays=stays, writes=writes) if stays or writes else None
    if visiting.sticky is not None:
        seed = first_cookie(lines, visiting.sticky)
        return Visit(visiting, bucket_of(seed, visiting.slice) if seed else None, None, stays, writes)
    visitor = first_cookie(lines, VISITOR)
    if visitor is not None and _ID.fullmatch(visitor):
        return Visit(visiting, bucket_of(visitor, visiting.slice), None, stays, writes)
    bucket = bucket_of(newcomer, visiting.slice) if newcomer is not None else None
    return Visit(visiting, bucket, newcomer, stays, writes)


def _stays(wrote: bytes | None, as_of: int) -> bool:
    return wrote is not None and _MOMENT.fullmatch(wrote) is not None and int(wrote) > as_of


def bucket_of(visitor: bytes, slice_name: bytes) -> int:
    """0 to BUCKETS - 1, the same for good."""
    digest = blake2b(slice_name + b"\0" + visitor, digest_size=8).digest()
    return int.from_bytes(digest, "big") % BUCKETS
