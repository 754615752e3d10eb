"""The seal on the address that confirms a report: only the slice that took it can make one, and it soon lapses.

Without it anybody could make an address on the council's site that says a repair was reported. Legacy ignores it, so
the address stays good after a rollback.
"""

import hmac
import re

LASTS = 15 * 60  # seconds: to read the page, go on, come back and reload it


def seal(key: bytes, number: str, now: int) -> str:
    """'1764000000-9f86d081...' for a job's number; `now` in seconds since 1970, `key` of 32 random bytes."""
    digest = hmac.digest(key, f"{number} {now}".encode(), "sha256").hex()
    return f"{now}-{digest}"


def is_sealed(key: bytes, number: str, given: str, now: int) -> bool:
    """Whether `given` is this number's seal and not older than LASTS."""
    made = re.fullmatch(r"([0-9]{1,12})-[0-9a-f]{64}", given)
    if made is None or not 0 <= now - int(made[1]) <= LASTS:
        return False
    return hmac.compare_digest(given, seal(key, number, int(made[1])))
