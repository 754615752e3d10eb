"""How a candidate's answer differs from the control's: `compare`, from two replies to their differences. Pure.

It stands in a module of its own, not in the package's, because workers know the values beside it and need no parsers.
Status first: the answer of another status is another answer, and only where a redirect leads is compared then. The
same two replies always have the same differences, at most found.MOST; equal replies have none.
"""

from proxy.compare.bodies import compare_bodies
from proxy.compare.cookies import compare_cookies, set_cookies
from proxy.compare.found import Found
from proxy.compare.headers import compare_headers
from proxy.compare.ignoring import understood
from proxy.compare.sameness import sameness
from proxy.compare.values import USUAL, Comparing, Difference, Kind, Reply


def compare(control: Reply, candidate: Reply, comparing: Comparing = USUAL) -> tuple[Difference, ...]:
    """In order: status, fields, cookies, body. Raises Refused for an `ignore:` entry that `fig check` refuses."""
    ignoring = understood(comparing.ignore)
    found = Found(ignoring.written, comparing.keep_values)
    same = sameness(control, candidate, comparing.hosts)
    if control.status != candidate.status and "status" not in ignoring.written:
        found.add("status", Kind.STATUS, str(control.status), str(candidate.status))
        if _is_redirect(control) and _is_redirect(candidate):
            compare_headers(control, candidate, same, ignoring.headers, found, only="location")
        return found.differences()
    compare_headers(control, candidate, same, ignoring.headers, found)
    mine, theirs = set_cookies(control, same.nows.control), set_cookies(candidate, same.nows.candidate)
    compare_cookies(mine, theirs, ignoring.cookies, found)
    if "body" not in ignoring.written and not (_is_redirect(control) and _is_redirect(candidate)):
        compare_bodies(control, candidate, same, ignoring, dict(comparing.keys), found)
    return found.differences()


def _is_redirect(reply: Reply) -> bool:
    """A browser goes where it leads, and shows nobody its body."""
    return 300 <= reply.status < 400 and any(name == b"location" for name, _ in reply.fields)
