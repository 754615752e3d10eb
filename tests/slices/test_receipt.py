"""The seal that confirms a report: for its own number, made here, and not for long."""

from __future__ import annotations

import pytest

from slices.library.repairs.receipt import LASTS, is_sealed, seal

KEY, NOW = b"k" * 32, 1_764_000_000
SEAL = seal(KEY, "100601", NOW)
CASES = [  # law, key, number, seal, seconds later, whether it confirms
    ("at once", KEY, "100601", SEAL, 0, True),
    ("while it lasts", KEY, "100601", SEAL, LASTS, True),
    ("no longer", KEY, "100601", SEAL, LASTS + 1, False),
    ("not from the future", KEY, "100601", SEAL, -1, False),
    ("not another job", KEY, "100602", SEAL, 0, False),
    ("not another process's", b"l" * 32, "100601", SEAL, 0, False),
    ("not with its time changed", KEY, "100601", SEAL.replace("1764", "1765"), 1_000_000, False),
    ("not with its time written otherwise", KEY, "100601", "0" + SEAL, 0, False),
    ("not cut short", KEY, "100601", SEAL[:-1], 0, False),
    ("not none", KEY, "100601", "", 0, False),
    ("not anything", KEY, "100601", "\udcff-\u0661", 0, False),
]


@pytest.mark.parametrize(
    ("key", "number", "given", "later", "confirms"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_seal_confirms(key: bytes, number: str, given: str, later: int, confirms: bool) -> None:
    assert is_sealed(key, number, given, NOW + later) is confirms
