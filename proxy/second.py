"""Who is asked a second time, and whether a copy may be: it cannot write. Pure.

second_side("shadow", "legacy", reverse=False) -> "slice"
may_be_asked("legacy", asked, b"", repeatable=False, sandbox=False) -> whether
"""

import re

from proxy.asked import SAFE, Asked, form_overrides
from proxy.cookies import is_ours
from proxy.copyable import COPYABLE, reads_like_an_act
from proxy.exchanged import Side

# What counts and remembers visitors for others, and tells legacy nothing of who they are: Google's, Matomo's,
# Microsoft's, Hotjar's and Facebook's counters. Every other cookie may be a session, but our own, which it never gets.
_COUNTERS = re.compile(rb"_(?:ga|gid|gat|gcl_[a-z]+|pk_(?:id|ses|ref)|clck|clsk|hj[A-Za-z]+|fbp|fbc)(?![a-z])")
# A session in the path or the query, for who takes no cookies: Java's, PHP's, ASP.NET's and ColdFusion's.
_IN_TARGET = re.compile(rb"(?<![a-z])(?:j?session_?id|phpsessid|cftoken|sid)=|/\((?:[a-z]\([^)]*\))+\)/")


def second_side(stage: str, answered_by: Side, *, reverse: bool) -> Side | None:
    """Who is asked what `answered_by` has answered: always the other, or nobody. `stage`: its name, such as `canary`.

    >>> second_side("live", "slice", reverse=True), second_side("live", "legacy", reverse=True)
    ('legacy', None)
    """
    match stage, answered_by:
        case ("shadow" | "canary", "legacy"):
            return "slice"
        case ("canary", "slice"):
            return "legacy"
        case ("live", "slice") if reverse:
            return "legacy"
    return None


def may_be_asked(side: Side, asked: Asked, content: bytes, *, repeatable: bool, sandbox: bool) -> bool:
    """Whether a request may be asked of that side too; `content`: its whole body; `sandbox`: of the slice's backend.

    Law 2: only safe methods, others of a sandbox alone; nothing that overrides its method, or reads like an act; and
    legacy nothing that belongs to a session, but on `repeatable` routes.
    """
    if asked.overrides_method or reads_like_an_act(asked.target):
        return False
    if asked.has_body and (asked.method in SAFE or (asked.carries_form and form_overrides(asked, content, ended=True))):
        return False
    if side == "slice":
        return asked.method in COPYABLE or (sandbox and asked.method not in SAFE)
    return asked.method in COPYABLE and (repeatable or not has_session(asked))


def has_session(asked: Asked) -> bool:
    """Whether a request is, or may be, one of somebody's whom legacy knows."""
    if b"authorization" in asked.headers or _IN_TARGET.search(asked.target.lower()):
        return True
    return any(_COUNTERS.match(name) is None and not is_ours(name) for name in asked.cookies)
