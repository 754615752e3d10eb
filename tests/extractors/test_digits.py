"""Digits are seen in a column's bytes as they are seen in each text."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.digits import are_digits

TEXTS = st.from_regex(r"[1-9][0-9]{0,3}", fullmatch=True) | st.sampled_from(
    ["", "0", "01", "10", " 1", "1\n", "12345", "/", ":", "-1", "１", "é", "1\0", None]
)


@settings(max_examples=400)
@given(st.lists(TEXTS, max_size=6), st.integers(0, 3), st.integers(0, 4))
def test_a_column_is_digits_if_each_of_its_texts_is(texts: list[str | None], begin: int, length: int) -> None:
    column = pa.array(texts, pa.string()).slice(begin, length)
    each = [re.fullmatch("[1-9][0-9]{0,3}", text) for text in column.to_pylist() if text is not None]
    assert are_digits(column, 4) == all(each)


@pytest.mark.parametrize("wrong", [None, 0, 49_999])
def test_one_wrong_text_among_many_is_seen(wrong: int | None) -> None:
    texts = [str(100_000_000_000 + number) for number in range(50_000)]
    if wrong is not None:
        texts[wrong] = texts[wrong].replace("0", "O")
    assert are_digits(pa.array(texts, pa.string()), 12) == (wrong is None)
