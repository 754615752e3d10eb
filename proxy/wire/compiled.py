"""The compiled part, where this installation has it: `proxy/wire/_cut.c`, which pip builds or leaves out.

Everything it does is done by `proxy/wire/patterns.py` too. With FIG_NO_COMPILED set it is left alone.
"""

import os
from importlib import import_module
from typing import Protocol, cast

from proxy.headers import SPECIAL_BEGINNINGS, SPECIAL_IN_REPLIES, SPECIAL_NAMES
from proxy.wire.patterns import CutReply, CutRequest

NAME = "proxy.wire._cut"
# Builds it, where a C compiler and Python's headers are.
BUILD = "pip install --no-deps --no-build-isolation --editable ."


class Cut(Protocol):
    """What the compiled module offers."""

    def cut_request(self, data: bytes, most: int, /) -> CutRequest | None:
        """As in patterns.py."""

    def cut_reply(self, data: bytes, most: int, /) -> CutReply | None:
        """As in patterns.py."""

    def set_names(
        self, in_requests: tuple[bytes, ...], beginnings: tuple[bytes, ...], in_replies: tuple[bytes, ...], /
    ) -> None:
        """The names, in lower case, of which more becomes than that they pass; in requests also all that begin so."""


def load() -> Cut:
    """The module, ready; ImportError where it is not built, or not for this Python."""
    cut = cast("Cut", import_module(NAME))
    cut.set_names(tuple(SPECIAL_NAMES), tuple(SPECIAL_BEGINNINGS), tuple(SPECIAL_IN_REPLIES))
    return cut


def _found() -> tuple[Cut | None, str]:
    if os.environ.get("FIG_NO_COMPILED"):
        return None, "heads are read by Python alone: FIG_NO_COMPILED is set"
    try:
        return load(), "heads are read by compiled code"
    except ImportError as error:
        return None, f"heads are read by Python alone: {error}"


# `SAID`: how heads are read, in words.
CUT, SAID = _found()
