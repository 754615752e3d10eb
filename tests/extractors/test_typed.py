"""A column that arrives in an engine's own Arrow type ends as its text would have ended: same values, same faults."""

# ruff: noqa: DTZ001 (wall times have no zone)
from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import declared
from extractors.compiled import Column
from extractors.parsing import Broken
from extractors.raw import JSON, pack, unpack
from extractors.refused import NativeFailed
from extractors.schema import coerce, reader

DECLARED = (
    "string", "boolean", "int8", "int16", "int32", "int64", "decimal(12,2)", "decimal(38,10)", "decimal(2,2)",
    "decimal(20,0)", "float64", "date", "time", "timestamp", "timestamp(UTC)", "timestamp(Europe/London)",
    "timestamp(America/New_York)", "uprn", "usrn", "binary", "json",
)  # fmt: skip


def column(kind: str, **more: object) -> Column:
    return Column("V", "v", declared.parse(kind), "keep", **more)  # type: ignore[arg-type]


WALLS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)) | st.sampled_from(
    [
        datetime(2024, 3, 31, 1, 30), datetime(2024, 10, 27, 1, 30), datetime(1, 1, 1), datetime(9999, 12, 31),
        datetime(1968, 10, 27, 2), datetime(2045, 3, 26, 1, 30), datetime(1840, 5, 5, 12), datetime(2024, 2, 29),
    ]
)  # fmt: skip
INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**precision) + 1, 10**precision - 1).map(lambda n: Decimal(n).scaleb(-scale, _WIDE))


_WIDE = Context(prec=80)


def integers(kind: pa.DataType) -> st.SearchStrategy[int]:
    signed = str(kind).startswith("int")
    bits = kind.bit_width
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    ordinary = st.sampled_from([n for n in (0, 1, 7, 127, 20240131, 10001234, 20240131093000) if low <= n <= high])
    return st.integers(low, high) | ordinary


def whole(unit: str, *, zone: str | None = None) -> st.SearchStrategy[object]:
    parts = {"s": 10**6, "ms": 10**3, "us": 1}[unit]
    return WALLS.map(lambda at: at - timedelta(microseconds=at.microsecond % parts)).map(
        lambda at: at.replace(tzinfo=UTC) if zone else at
    )


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    [
        "", " ", "0", "1", "42", " 42 ", "+42", "-7", "007", "0x10", "12.5", "-12.345", "£1,234.50", ".5", "5.", "1e3",
        "1e-7", "1e999", "nan", "Infinity", "true", "Y", "no", "2024-01-31", "2024-02-29", "2023-02-29", "0000-01-01",
        "0001-01-01", "9999-12-31", "20240131", "2024-01-31 00:00:00", "2024-01-31 09:30", "2024-01-31T09:30:00.5",
        "2024-01-31 09:30:00.1234567", "2024-03-31 01:30:00", "2024-10-27 01:30:00", "2024-07-31 09:30:00+01:00",
        "2024-07-31 09:30:00Z", "2024-07-31 09:30:00 +01", "2024-07-31 09:30:00+0145", "2024-07-31 09:30:00+25:00",
        "2024-07-31 09:30:00-00:61", "9999-12-31 23:30:00-01:00", "0001-01-01 00:00:00+01:00", "24:00", "09:30",
        "09:30:15.250", "23:59:59.999999", "100023336956", "000000000001", "000000000000", "00000001", "00000000",
        "1234567890123", "128", "32768", "2147483648", "9223372036854775808", "99999999999", "9999999999.99", "{}",
        '{"a": 1.1}', "[1", "2024-01-31\n", "42\n", "1,000", "１２", "0.12", "0.125", "-0.00",
    ]
)  # fmt: skip
FLOATS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 42.0, 12.34, 0.1, 1e16, 2.0**53, 2.0**53 + 2, 2.0**60, 1e300])

ARROW: dict[str, tuple[pa.DataType, st.SearchStrategy[object]]] = {
    **{str(kind): (kind, integers(kind)) for kind in INTEGERS},
    "bool": (pa.bool_(), st.booleans()),
    "float64": (pa.float64(), FLOATS),
    "pence": (pa.float64(), st.integers(-(10**13), 10**13).map(lambda pence: pence / 100)),
    "float32": (pa.float32(), st.floats(width=32)),
    "decimal(12,2)": (pa.decimal128(12, 2), decimals(12, 2) | decimals(4, 2)),
    "decimal(38,0)": (pa.decimal128(38, 0), decimals(38, 0) | decimals(12, 0) | decimals(2, 0)),
    "decimal(38,10)": (pa.decimal128(38, 10), decimals(38, 10) | decimals(3, 1)),
    "decimal256(50,4)": (pa.decimal256(50, 4), decimals(50, 4) | decimals(6, 1)),
    "string": (pa.string(), TEXTS),
    "moments": (pa.string(), WALLS.map(str) | WALLS.map(lambda at: at.isoformat(timespec="minutes"))
                | st.sampled_from(["0000-01-01 00:00:00", "2024-01-31 09"])),
    "json": (JSON, st.sampled_from(["{}", '{"a": 1.10}', ' ["é", null]\n', "42", "12.50", "true", '"2024-01-31"'])),
    "large_string": (pa.large_string(), TEXTS),
    "string_view": (pa.string_view(), TEXTS),
    "binary": (pa.binary(), st.binary(max_size=5)),
    "large_binary": (pa.large_binary(), st.binary(max_size=5)),
    "date32": (pa.date32(), WALLS.map(datetime.date)),
    **{f"timestamp[{unit}]": (pa.timestamp(unit), whole(unit)) for unit in ("s", "ms", "us")},
    **{f"timestamp[{unit}, UTC]": (pa.timestamp(unit, "UTC"), whole(unit, zone="UTC")) for unit in ("s", "us")},
    "timestamp[ns]": (pa.timestamp("ns"), st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(0, 10**6).map(
        lambda day: day % 90_000 * 86_400 * 10**9)),
    "time64": (pa.time64("us"), st.times()),
    "time32": (pa.time32("s"), st.times().map(lambda at: at.replace(microsecond=0))),
    "null": (pa.null(), st.none()),
}  # fmt: skip


def same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    return one == other


def as_told(raw: pa.Array, at: Column) -> tuple[list[object], list[tuple[int, str]]]:
    """The specification: every value alone, through the parser."""
    read, values, broken = reader(at), [], []
    for row, value in enumerate(unpack(raw)):
        got = read(value)
        if isinstance(got, Broken):
            broken.append((row, got.rule))
        values.append(None if isinstance(got, Broken) else pa.array([got], at.type.arrow)[0].as_py())
    return values, broken


def check(raw: pa.Array, at: Column) -> None:
    typed, broken = coerce(raw, at, reader(at))
    values, told = as_told(raw, at)
    assert typed.type == at.type.arrow
    got = typed.to_pylist()
    assert all(map(same, got, values)), (got, values)
    assert len(got) == len(values)
    assert sorted(broken) == told


@pytest.mark.parametrize("arrow", ARROW)
def test_a_typed_column_ends_as_its_text_would(arrow: str) -> None:
    made, values = ARROW[arrow]

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(DECLARED), st.lists(st.none() | values, max_size=8), st.integers(0, 2))
    def law(kind: str, some: list[object], start: int) -> None:
        check(pa.array(some, made)[start:], column(kind))

    law()


@pytest.mark.parametrize(
    "arrow", ["string", "json", "int64", "float64", "pence", "bool", "decimal(12,2)", "timestamp[us]", "date32"]
)
def test_what_is_written_before_the_type_means_the_same_in_every_arrow_type(arrow: str) -> None:
    made, values = ARROW[arrow]
    nulls = ["0", "", "1", "12.50", "0.00", "2024-01-31", "2024-02-29 00:00:00", "true", "-1", "0.1", "42"]
    more = st.fixed_dictionaries(
        {},
        optional={
            "null_values": st.sets(st.sampled_from(nulls)).map(frozenset),
            "values": st.just({"1": "42", "true": "1", "2024-01-31": "1999-12-31", "12.50": "0", "a": " b "}),
            "trim": st.sampled_from(["none", "end", "both"]),
            "divide": st.sampled_from([1, 10, 100, 10**9]),
        },
    )

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(DECLARED), more, st.lists(st.none() | values, max_size=8))
    def law(kind: str, how: dict[str, object], some: list[object]) -> None:
        check(pa.array(some, made), column(kind, **how))

    law()


def test_values_of_several_kinds_end_as_each_alone() -> None:
    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from(DECLARED), st.lists(st.none() | st.integers(-9, 9) | TEXTS | FLOATS | st.binary(), max_size=8)
    )
    def law(kind: str, some: list[object]) -> None:
        check(pack(some), column(kind))  # type: ignore[arg-type]

    law()


def test_what_a_source_has_seen_to_be_json_is_not_read_again() -> None:
    raw = pa.array(["[" * 100_000 + "]" * 100_000, None, "1e999999"], JSON)
    typed, broken = coerce(raw, column("json"), lambda _: Broken("read"))
    assert (typed.to_pylist(), broken) == (raw.to_pylist(), [])


def test_a_dictionary_is_read_through_its_values() -> None:
    raw = pa.array(["2024-01-31", "x", None, "x", "2024-02-29"] * 3).dictionary_encode()
    typed, broken = coerce(raw, column("date"), reader(column("date")))
    assert typed.to_pylist() == [date(2024, 1, 31), None, None, None, date(2024, 2, 29)] * 3
    assert broken == [(row, "not a date: YYYY-MM-DD or YYYYMMDD") for row in (1, 3, 6, 8, 11, 13)]
    check(pa.DictionaryArray.from_arrays(pa.array([5]), pa.array(list("012345"))), column("int64"))


def test_the_text_of_each_kind_is_the_one_the_parser_reads() -> None:
    told = [
        (pa.array([True, None]), ["true", None]),
        (pa.array([Decimal("-0.0000000001"), Decimal("12.5")], pa.decimal128(38, 10)),
         ["-0.0000000001", "12.5000000000"]),
        (pa.array([date(1, 1, 1)]), ["0001-01-01"]),
        (pa.array([datetime(2024, 1, 31, 9, 30), datetime(2024, 1, 31, 9, 30, 0, 120_000)]),
         ["2024-01-31 09:30:00", "2024-01-31 09:30:00.12"]),
        (pa.array([datetime(2024, 7, 31, 9, 30, tzinfo=UTC)], pa.timestamp("us", "Europe/London")),
         ["2024-07-31 09:30:00+00:00"]),
        (pa.array([1], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001"]),
        (pa.array([time(9, 30)]), ["09:30:00"]),
        (pa.array([np.float32(0.1), np.float32(16777216), np.float32(1e-7)], pa.float32()), [0.1, 16777216.0, 1e-7]),
    ]  # fmt: skip
    for typed, text in told:
        assert unpack(typed) == text


def test_a_large_column_with_a_few_odd_values_is_read_once_for_each() -> None:
    ordinary = [f"{n}.{n % 100:02}" for n in range(5000)]
    raw = pa.array([*ordinary, "£1,234.50", None, "n/a", *ordinary, "n/a"])
    seen: list[object] = []
    read = reader(column("decimal(12,2)"))
    typed, broken = coerce(raw, column("decimal(12,2)"), lambda value: seen.append(value) or read(value))
    assert seen == ["£1,234.50", "n/a"]
    assert broken == [(5002, "not a number"), (10003, "not a number")]
    assert typed[5000].as_py() == Decimal("1234.50")
    assert typed.null_count == 3


BEYOND = [
    ("the largest day", pa.array([2**31 - 1], pa.int32()).cast(pa.date32())),
    ("the smallest day", pa.array([-(2**31)], pa.int32()).cast(pa.date32())),
    ("the day before the first", pa.array([-719163], pa.int32()).cast(pa.date32())),
    ("the day after the last", pa.array([2932897, None], pa.int32()).cast(pa.date32())),
    ("infinity", pa.array([2**63 - 1]).cast(pa.timestamp("us"))),
    ("minus infinity", pa.array([-(2**63)]).cast(pa.timestamp("us", "UTC"))),
    ("the second after the last", pa.array([253402300800]).cast(pa.timestamp("s"))),
    ("a millisecond too early", pa.array([-62135596800001]).cast(pa.timestamp("ms"))),
    ("a list", pa.array([[1]])),
    ("an interval", pa.array([(1, 2, 3)], pa.month_day_nano_interval())),
    ("a uuid", pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16)))),
]


@pytest.mark.parametrize("kind", ["date", "string", "timestamp"])
@pytest.mark.parametrize("raw", [raw for _, raw in BEYOND], ids=[what for what, _ in BEYOND])
def test_what_has_no_exact_form_here_is_to_be_read_as_text(raw: pa.Array, kind: str) -> None:
    with pytest.raises(NativeFailed) as failed:
        coerce(raw, column(kind), reader(column(kind)))
    assert failed.value.columns == {"V"}


def test_only_a_moment_without_a_zone_can_be_a_day() -> None:
    midnight = [datetime(2024, 1, 31), None]
    for unit in ("s", "ms", "us", "ns"):
        check(pa.array(midnight, pa.timestamp(unit)), column("date"))
        check(pa.array(midnight, pa.timestamp(unit, "UTC")), column("date"))
    typed, broken = coerce(pa.array(midnight, pa.timestamp("us", "UTC")), column("date"), reader(column("date")))
    assert (typed.null_count, broken) == (2, [(0, "not a date: YYYY-MM-DD or YYYYMMDD")])


@pytest.mark.parametrize("short", ["2024-01-31", "2024-01-31 09", "0000-01-31 09:30", "2024-01-31 24:00"])
def test_what_arrow_would_read_as_a_moment_and_is_none_is_a_fault(short: str) -> None:
    check(pa.array(["2024-01-31 09:30", short]), column("timestamp"))
    assert coerce(pa.array([short]), column("timestamp"), reader(column("timestamp")))[1]


def test_the_first_and_the_last_day_are_days() -> None:
    for kind in (pa.date32(), pa.timestamp("us"), pa.timestamp("s")):
        check(pa.array([datetime(1, 1, 1), datetime(9999, 12, 31), None]).cast(kind), column("string"))


@pytest.mark.parametrize(
    "zone", ["Europe/London", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran"]
)
def test_every_hour_of_a_century_is_placed_as_the_parser_places_it(zone: str) -> None:
    """Hours about each turn of the clock, found from the zone itself, far beyond the years a C library may know."""
    clock, hour, at = ZoneInfo(zone), timedelta(hours=1), datetime(1955, 1, 1)
    turns = []
    while at < datetime(2055, 1, 1):
        later = at + timedelta(days=7)
        if at.replace(tzinfo=clock).utcoffset() != later.replace(tzinfo=clock).utcoffset():
            turns.append(at)
        at = later
    walls = [turn + part * hour / 2 for turn in turns[:: 1 + len(turns) // 20] for part in range(14 * 24)]
    assert len(walls) > 3000
    check(pa.array(walls, pa.timestamp("us")), column(f"timestamp({zone})"))


def test_nothing_is_copied_where_nothing_changes() -> None:
    for kind, values in (
        ("int64", [1, 2]),
        ("string", ["a"]),
        ("date", [date(2024, 1, 31)]),
        ("decimal(12,2)", [Decimal(1)]),
    ):
        raw = pa.array(values, declared.parse(kind).arrow)
        typed, _ = coerce(raw, column(kind), reader(column(kind)))
        assert [b and b.address for b in typed.buffers()] == [b and b.address for b in raw.buffers()]
