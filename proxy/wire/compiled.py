"""The compiled part, where this installation has it: `proxy/wire/_cut.c`, which pip builds or leaves out.

Everything it does is done by `proxy/wire/patterns.py` too. With FIG_NO_COMPILED set it is left alone.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast
from zlib import crc32

from proxy.headers import SPECIAL_BEGINNINGS, SPECIAL_IN_REPLIES, SPECIAL_NAMES
from proxy.wire.patterns import CutReply, CutRequest

NAME = "proxy.wire._cut"
SOURCE = Path(__file__).with_name("_cut.c")
# Builds it, where a C compiler and Python's headers are.
BUILD = "pip install --no-deps --no-build-isolation --editable ."


class Cut(Protocol):
    """What the compiled module offers."""

    SOURCE: str  # the CRC of what it was built of

    def cut_request(self, data: bytes, most: int, /) -> CutRequest | None:
        """As in patterns.py."""

    def cut_reply(self, data: bytes, most: int, /) -> CutReply | None:
        """As in patterns.py."""

    def set_names(
        self, in_requests: tuple[bytes, ...], beginnings: tuple[bytes, ...], in_replies: tuple[bytes, ...], /
    ) -> None:
        """The names, in lower case, of which more becomes than that they pass; in requests also all that begin so."""


def load() -> Cut:
    """The module, ready; ImportError where it is not built, or not for this Python, or of another source."""
    cut = cast("Cut", import_module(NAME))
    # A law that was changed must not be broken by what was built before.
    if getattr(cut, "SOURCE", "") != f"{crc32(SOURCE.read_bytes()):x}":
        raise ImportError(f"{NAME} was built of another {SOURCE.name}")
    cut.set_names(tuple(SPECIAL_NAMES), tuple(SPECIAL_BEGINNINGS), tuple(SPECIAL_IN_REPLIES))
    return cut


def _found() -> tuple[Cut | None, str]:
    if os.environ.get("FIG_NO_COMPILED"):
        return None, "heads are read by Python alone: FIG_NO_COMPILED is set"
    try:
        return load(), "heads are read by compiled code"
    except (ImportError, OSError) as error:
        return None, f"heads are read by Python alone: {error}"


# `SAID`: how heads are read, in words.
CUT, SAID = _found()
