"""A document becomes a model, or every problem in it is said in plain words."""

from collections.abc import Mapping
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BeforeValidator, Field

from notation.marked_yaml import parse
from notation.problems import ConfigError, Refused
from notation.shape import Count, Duration, Flag, Later, Percent, Size, Spec, Words, dotted, not_acted_on, read
from notation.units import show_percent, show_seconds, show_size


def _even(number: int) -> int:
    if number % 2:
        raise Refused(f"{number} is odd", "write an even number")
    return number


def _listed(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else [value]


def _door(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class Room(Spec):
    wait: Duration = Field(10.0, description="How long.")
    size: Size = 1024
    share: Percent = 5.0
    seats: Count = 3
    quiet: Flag = False
    light: Literal["on", "off"] = "off"
    pairs: Annotated[int, AfterValidator(_even)] = 2


class Door(Spec):
    path: str
    from_: str = Field("here", alias="from", description="Where one comes from.")


class House(Spec):
    name: str = Field(description="What it is called.")
    room: Room = Room()
    doors: tuple[Annotated[Door, BeforeValidator(_door)], ...] = ()
    aliases: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    labels: Mapping[str, str] = {}
    rooms: Mapping[str, Room] = {}
    access: Annotated[str, Words()] = "off"
    cellar: Annotated[Room | None, Later()] = None
    floors: Annotated[int, Later(unless=lambda n: n <= 2, note=" (more than two)")] = 1
    roof: Annotated[Literal["flat", "none"], Later(unless=lambda r: r == "none", when_set=True)] = "flat"


def test_a_good_file_becomes_a_frozen_value() -> None:
    text = """
        name: "no"
        room: {wait: 1.5m, size: 32KiB, share: 2.5%, seats: 4, quiet: true, light: on}
        doors: [/a, {path: /b, from: there}]
        aliases: one
        labels: {x: "1"}
        access: off
    """
    house = read(House, parse(text, "h.yaml"), {})
    assert house == House(
        name="no",
        room=Room(wait="1.5m", size="32KiB", share="2.5%", seats=4, quiet=True, light="on"),
        doors=(Door.model_validate({"path": "/a"}), Door.model_validate({"path": "/b", "from": "there"})),
        aliases=("one",),
        labels={"x": "1"},
        access="off",
    )
    assert (house.room.wait, house.room.size, house.room.share) == (90.0, 32768, 2.5)
    assert house.doors[1].from_ == "there"


ELSEWHERE = "is read as text here, and as a truth value, number or date elsewhere"
DIGITS = "write digits without quotes"
CASES = [
    (
        "nme: x",
        (
            "h.yaml:1: the key 'name' is missing\n    What it is called.\n"
            "h.yaml:1: unknown key 'nme'\n"
            "    known keys: name, room, doors, aliases, labels, rooms, access, cellar, floors, roof."
            " Did you mean 'name'?"
        ),
    ),
    (
        "name: x\nroom:\n  sets: 1",
        (
            "h.yaml:3: unknown key 'sets' in room\n"
            "    known keys: wait, size, share, seats, quiet, light, pairs. Did you mean 'seats'?"
        ),
    ),
    (
        "name: x\ndoors: [{from_: a, path: b}]",
        ("h.yaml:2: unknown key 'from_' in doors[0]\n    known keys: path, from. Did you mean 'from'?"),
    ),
    ("name: x\ndoors:\n - from: a", "h.yaml:3: the key 'path' is missing in doors[0]"),
    ("name: 3", 'h.yaml:1: name: must be text, not the number 3\n    write it in quotes: "3"'),
    ("name: 1.50", 'h.yaml:1: name: must be text, not the number 1.5\n    write it in quotes: "1.50"'),
    ("name: true", 'h.yaml:1: name: must be text, not true\n    write it in quotes: "true"'),
    ("name: no", f'h.yaml:1: name: no {ELSEWHERE}\n    write it in quotes: "no"'),
    ("name: 2024-01-02", f'h.yaml:1: name: 2024-01-02 {ELSEWHERE}\n    write it in quotes: "2024-01-02"'),
    ("name: 010", f'h.yaml:1: name: 010 {ELSEWHERE}\n    write it in quotes: "010"'),
    ("name: x\naliases: y", f'h.yaml:2: aliases: y {ELSEWHERE}\n    write it in quotes: "y"'),
    (
        "name: x\nlabels: {y: z, n: no}",
        (
            f'h.yaml:2: labels.n: no {ELSEWHERE}\n    write it in quotes: "no"\n'
            f'h.yaml:2: labels.y: y {ELSEWHERE}\n    write it in quotes: "y"'
        ),
    ),
    ("name: [x]", "h.yaml:1: name: must be text, not a list"),
    ("name:", "h.yaml:1: name has no value\n    write one, or remove the line"),
    ("name: x\ncellar:", "h.yaml:2: cellar has no value\n    write one, or remove the line"),
    (
        "name: x\nroom: 3",
        (
            "h.yaml:2: room: must be a mapping, not the number 3\n"
            "    write its keys on lines of their own, or {key: value}"
        ),
    ),
    (
        "name: x\nlabels: [a]",
        ("h.yaml:2: labels: must be a mapping, not a list\n    write its keys on lines of their own, or {key: value}"),
    ),
    (
        "name: x\ndoors: /a",
        (
            "h.yaml:2: doors: must be a list, not '/a'\n"
            "    write [one, another], or each on a line of its own after '- '"
        ),
    ),
    ("name: x\nroom: {seats: '3'}", f"h.yaml:2: room.seats: must be a whole number, not '3'\n    {DIGITS}"),
    ("name: x\nroom: {seats: 1.5}", f"h.yaml:2: room.seats: must be a whole number, not the number 1.5\n    {DIGITS}"),
    ("name: x\nroom: {seats: 0}", "h.yaml:2: room.seats: must be at least 1, not the number 0"),
    ("name: x\nroom: {quiet: yes}", "h.yaml:2: room.quiet: must be true or false, not 'yes'"),
    (
        "name: x\nroom: {light: of}",
        ("h.yaml:2: room.light: 'of' is not a word known here\n    known words: on, off. Did you mean 'off'?"),
    ),
    (
        "name: x\nroom: {wait: 10}",
        (
            "h.yaml:2: room.wait: '10' is not a length of time\n"
            "    write a number and its unit: 500ms, 10s, 2m, 1h or 1d"
        ),
    ),
    (
        "name: x\nroom: {wait: 0s}",
        (
            "h.yaml:2: room.wait: '0s' is not a length of time\n"
            "    write a number and its unit: 500ms, 10s, 2m, 1h or 1d"
        ),
    ),
    (
        "name: x\nroom: {size: 32KB}",
        ("h.yaml:2: room.size: '32KB' is not a size\n    write a whole number and its unit: 512B, 32KiB, 1MiB or 1GiB"),
    ),
    (
        "name: x\nroom: {share: 101%}",
        ("h.yaml:2: room.share: '101%' is not a percentage from 0% to 100%\n    write 2% or 0.5%"),
    ),
    ("name: x\nroom: {pairs: 3}", "h.yaml:2: room.pairs: 3 is odd\n    write an even number"),
    (
        "[a]",
        "h.yaml:1: the file: must be a mapping, not a list\n    write its keys on lines of their own, or {key: value}",
    ),
    (
        "name: ${HOSE}",
        (
            "h.yaml:1: name: the environment variable HOSE is not set\n"
            "    set it before you start. Did you mean 'HOUSE'?"
        ),
    ),
    ("name: ${NOWHERE}", "h.yaml:1: name: the environment variable NOWHERE is not set\n    set it before you start"),
    (
        "name: ${a-b}",
        "h.yaml:1: name: '${a-b}' names no environment variable\n    write ${NAME}: letters, digits and _",
    ),
    (
        "name: ${HOUSE",
        "h.yaml:1: name: '${HOUSE' names no environment variable\n    write ${NAME}: letters, digits and _",
    ),
]


@pytest.mark.parametrize(("text", "error"), CASES)
def test_every_problem_says_where_what_and_what_to_do(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(House, parse(text, "h.yaml"), {"HOUSE": "12"})
    assert str(caught.value) == error


def test_all_problems_come_at_once_in_the_files_order() -> None:
    with pytest.raises(ConfigError) as caught:
        read(House, parse("room: {seats: 0}\naccess: 3\ncellar:\nx: ${NO}", "h.yaml"), {})
    assert [str(problem.where) for problem in caught.value.problems] == ["h.yaml:1"] * 2 + [
        "h.yaml:2", "h.yaml:3", "h.yaml:4",
    ]  # fmt: skip


def test_the_environment_fills_in_and_stays_text() -> None:
    house = read(House, parse('name: "${A} and ${B}"\naliases: ["${B}"]', "h.yaml"), {"A": "1", "B": "true"})
    assert (house.name, house.aliases) == ("1 and true", ("true",))


IN_URLS = [
    ("mysql://me:${A}@db/x", "mysql://me:p%2F%40%23%3F%25@db/x"),
    ("mysql://${A}:${A}@db/x", "mysql://p%2F%40%23%3F%25:p%2F%40%23%3F%25@db/x"),
    ("odbc://?dsn=x&pwd=${A}", "odbc://?dsn=x&pwd=p%2F%40%23%3F%25"),
    ("${A}", "p/@#?%"),
    ("sqlite:///${A}.db", "sqlite:///p/@#?%.db"),
    ("mysql://${A}@db/x", "mysql://p/@#?%@db/x"),  # a user and a password, for all we know
]


@pytest.mark.parametrize(("written", "meant"), IN_URLS)
def test_what_the_environment_fills_into_a_urls_user_and_options_is_percent_encoded(written: str, meant: str) -> None:
    house = read(House, parse(f"name: '{written}'", "h.yaml"), {"A": "p/@#?%"})
    assert house.name == meant


def test_a_secret_from_the_environment_is_not_repeated_in_an_error() -> None:
    with pytest.raises(ConfigError) as caught:
        read(House, parse("name: x\nroom: {light: '${SECRET}'}", "h.yaml"), {"SECRET": "hunter2"})
    assert str(caught.value) == "h.yaml:2: room.light: '${SECRET}' is not a word known here\n    known words: on, off"


def test_keys_not_acted_on_are_listed_when_they_differ_from_their_default() -> None:
    text = "name: x\ncellar: {seats: 1}\nfloors: 3\nroof: flat\nroom: {seats: 2}\n"
    document = parse(text, "h.yaml")
    assert [str(problem) for problem in not_acted_on(read(House, document, {}), document)] == [
        "h.yaml:2: cellar is not acted on yet\n    remove it until it is",
        "h.yaml:3: floors (more than two) is not acted on yet\n    remove it until it is",
        "h.yaml:4: roof is not acted on yet\n    remove it until it is",
    ]


@pytest.mark.parametrize("text", ["name: x", "name: x\nfloors: 2", "name: x\nfloors: 1", "name: x\nroof: none"])
def test_what_changes_nothing_is_not_listed(text: str) -> None:
    document = parse(text, "h.yaml")
    assert not_acted_on(read(House, document, {}), document) == ()


def test_the_schema_says_what_a_person_writes() -> None:
    properties = Room.model_json_schema()["properties"]
    assert properties["wait"]["examples"] == ["10s"]
    assert properties["size"]["type"] == "string"


def test_units_are_shown_as_people_write_them() -> None:
    assert [show_seconds(s) for s in (0.5, 10, 75, 90, 900, 3600, 86400)] == [
        "500ms", "10s", "75s", "90s", "15m", "1h", "1d",
    ]  # fmt: skip
    assert [show_size(b) for b in (512, 1024, 8 * 2**20, 2**30)] == ["512B", "1KiB", "8MiB", "1GiB"]
    assert show_percent(2.5) == "2.5%"


def test_a_path_reads_as_people_say_it() -> None:
    assert dotted(("slices", "repairs", "routes", 2, "path")) == "slices.repairs.routes[2].path"
    assert dotted(()) == "the file"
