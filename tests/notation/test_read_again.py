"""What is read again is the object it was; what is another value is not taken for it."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from notation.read_again import read_again
from notation.shape import Spec


class Item(Spec):
    one: Any
    two: int = 0


def reader() -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[Item | str, read_again()])


def test_the_same_value_is_the_same_object() -> None:
    read = reader().validate_python
    assert read({"one": [1, "a"]}) is read({"one": [1, "a"]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"one": 1}, {"one": True}),
        ({"one": 1}, {"one": "1"}),
        ({"one": 1}, {"one": 1.0}),
        ({"one": 1}, "{'one': 1}"),
        ({"one": ["a", "b"]}, {"one": ["a, b"]}),
    ],
)
def test_another_value_is_another_object(one: object, other: object) -> None:
    read = reader().validate_python
    assert repr(read(one)) != repr(read(other))


def test_what_is_refused_is_refused_each_time() -> None:
    read = reader().validate_python
    for _ in range(2):
        with pytest.raises(ValidationError):
            read({"one": 1, "two": "x"})


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notation.read_again.ROOM", 1)
    read = reader().validate_python
    first = read({"one": 1})
    read({"one": 2})
    assert read({"one": 1}) is not first
