"""A value as it is kept with its difference: redacted, by its looks and by the name of its place. Pure."""

import re

from proxy.compare.marks import marked, redact
from proxy.compare.personal import is_personal

# Characters of a value that are kept: a sentence, in which the difference can be seen.
KEPT = 200
SECRET = re.compile(r"auth|token|secret|session|csrf|xsrf|api-?key|cookie|password|signature", re.IGNORECASE)
_LAST_NAME = re.compile(r"(?:name\^?=\"?([^\]\"]+)|([\w -]+))\W*$")
_AFTER_A_NAME = re.compile(r"\[(?:value|type|placeholder|\*)\]$")


def kept_value(path: str, text: str) -> str:
    """`json:$.tenant.surname` and `Smith` -> `Xxxxx`; marks alone where the place's name is personal."""
    prefix, _, rest = path.partition(":")
    last = _LAST_NAME.search(_AFTER_A_NAME.sub("", rest))
    name = (last[1] or last[2] or "").strip() if last else ""
    if prefix == "cookie" or is_personal(name) or (prefix == "header" and SECRET.search(rest)):
        return marked(text[:KEPT])
    return redact(text)[:KEPT]
