"""What is compared and what comes of it: two answers, their differences, a verdict. Values only."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Reply:
    """What one side answered. `fields`: as they came, names in lower case; `body`: unframed, compressed as it came."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""


class Kind(StrEnum):
    """How two answers can differ, in one place of them; a closed set."""

    NO_ANSWER = "no answer"  # the candidate gave none, in time or at all
    STATUS = "status"
    MISSING = "missing"  # only the control has it
    ADDED = "added"  # only the candidate has it
    VALUE = "value"  # another value of the same type
    TYPE = "type"  # null for "", a number for a text
    ORDER = "order"  # the same things in another order
    LENGTH = "length"  # a list, table or text that is longer or shorter
    UNREADABLE = "unreadable"  # not what its Content-Type, charset or compression says
    BYTES = "bytes"  # a body that is compared by its hash alone


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which two answers differ.

    `path` is written as `ignore:` has it (`status`, `header:location`, `json:$.items[*].cost`, `css:form#report
    input[name=phone]`), general enough that the same difference of another page has the same path. `control` and
    `candidate` are shapes (`9999-99-99`, `text of 12`, `3 items`, `null`), never values; `values` the redacted texts,
    where `compare: {keep_values: true}`.
    """

    path: str
    kind: Kind
    control: str
    candidate: str
    values: tuple[str, str] | None = None


class Verdict(StrEnum):
    """What a comparison concluded."""

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    IGNORED = "ignored"  # it differs only where legacy differs from itself, or where `ignore:` says
    UNJUDGED = "unjudged"


class Unjudged(StrEnum):
    """Why a sampled exchange has no verdict; each is counted."""

    FULL = "full"  # the keeper does not keep up
    LARGE = "large"  # an answer is larger than `max_body`
    CUT = "cut"  # the control's answer broke off
    BUSY = "busy"  # the candidate has as many copies under way as it may
    LOST = "lost"  # no such backend or route any more
    WITHHELD = "withheld"  # it might act; or legacy would be asked again with a session
    PACED = "paced"  # legacy is asked a second time only so often
    LEARNING = "learning"  # too few second reads of legacy yet to tell noise from difference
    STALE = "stale"  # it differed, and after the next commit of the slice's datasets it did not
    LIMIT = "limit"  # the comparison took more time or memory than it may
    FAILED = "failed"  # the comparison itself failed


@dataclass(frozen=True, slots=True)
class Comparing:
    """`compare:` of a slice. `ignore` as written; `noise`: the share (0 to 1) on which legacy is asked twice.

    `keys`: by the path of a JSON array (`$.items`), the member that names its elements (`id`); other arrays go by
    position. `hosts`: the public names in lower case: an absolute link to one is the same as a relative one.
    """

    ignore: tuple[str, ...] = ()
    noise: float = 0.05
    keep_values: bool = False
    keys: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()


USUAL = Comparing()
