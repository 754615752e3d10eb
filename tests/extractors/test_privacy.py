"""What is kept of a value: each rule over whole columns is the rule over one value, and nothing personal is written."""

from __future__ import annotations

import base64
import hmac
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import declared, privacy
from extractors.coarser import band, coarser, shape_of, tells_no_more
from extractors.compiled import Column, Rule
from extractors.faults import rows
from extractors.privacy import Key, _Pseudonyms, canonical
from extractors.schema import coerce, reader

from .conftest import Council

SECRET = Key(bytes(range(32)), "id")


def column(kind: str, rule: Rule, argument: str = "") -> Column:
    return Column("V", "v", declared.parse(kind), rule, argument)


def of(kind: str) -> st.SearchStrategy[object]:
    return {
        "string": st.text(st.characters(exclude_categories=("Cs",)), max_size=6), "boolean": st.booleans(),
        "int64": st.integers(-(2**63), 2**63 - 1), "float64": st.floats(allow_nan=False) | st.just(-0.0),
        "decimal(12,2)": st.decimals(-(10**10) + 1, 10**10 - 1, places=2), "date": st.dates(),
        "binary": st.binary(max_size=4),
        "timestamp": st.datetimes(), "timestamp(UTC)": st.datetimes().map(lambda at: at.replace(tzinfo=UTC)),
    }[kind]  # fmt: skip


def one(value: object, kind: str) -> str:
    """The contract, as DESIGN has it, with the standard library's own HMAC and base32."""
    message = b"person\0" + canonical(value, declared.parse(kind)).encode()
    return base64.b32encode(hmac.digest(SECRET.secret, message, "sha256")).decode()[:26]


@pytest.mark.parametrize(
    "kind", ["string", "boolean", "int64", "float64", "decimal(12,2)", "date", "binary", "timestamp", "timestamp(UTC)"]
)
def test_a_columns_pseudonyms_are_those_of_its_values_batch_after_batch(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "REMEMBERED", 5)

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.lists(st.none() | of(kind), max_size=6), max_size=5))
    def law(batches: list[list[object]]) -> None:
        made = _Pseudonyms(column(kind, "pseudonym", "person"), SECRET)
        for batch in batches:
            names = made(pa.array(batch, declared.parse(kind).arrow)).to_pylist()
            assert names == [None if value is None else one(value, kind) for value in batch]
            assert len(made.names) <= 5 + 6

    law()


def test_a_person_already_met_is_not_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = _Pseudonyms(column("string", "pseudonym", "person"), SECRET)
    first = made(pa.array(["a", "b", None, "a"]))
    monkeypatch.setattr(made.make, "_digest", None)
    assert made(pa.array(["b", "a", None])).to_pylist() == [first[1].as_py(), first[0].as_py(), None]


def test_texts_that_are_read_alike_are_one_person() -> None:
    made = _Pseudonyms(column("string", "pseudonym", "person"), SECRET)
    texts = ["Ren\u00e9", unicodedata.normalize("NFD", "Ren\u00e9"), "Ren\u00e9  "]
    assert len(set(made(pa.array(texts)).to_pylist())) == 1


def test_a_long_secret_is_hashed_first_as_rfc_2104_says() -> None:
    secret = b"k" * 100
    digest = hmac.digest(secret, b"d\0x", "sha256")
    assert privacy.pseudonym(secret, "d", "x") == base64.b32encode(digest).decode()[:26]


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-99, 99)), st.integers(1, 10**9))
def test_a_number_is_within_its_band(values: list[int | None], width: int) -> None:
    told = coarser(pa.array(values, pa.int64()), column("int64", "band", str(width))).to_pylist()
    assert told == [None if value is None else band(value, width) for value in values]
    for value in values:
        low = None if value is None else value // width * width
        assert low is None or (low <= value < low + width and band(value, width).startswith(str(low)))  # type: ignore[operator]


@settings(deadline=None)
@given(st.lists(st.none() | st.decimals(-(10**10) + 1, 10**10 - 1, places=2)), st.integers(1, 10**9))
def test_a_decimal_is_in_the_band_of_the_whole_number_below_it(values: list[Decimal | None], width: int) -> None:
    told = coarser(pa.array(values, pa.decimal128(12, 2)), column("decimal(12,2)", "band", str(width))).to_pylist()
    below = [None if value is None else int(value.to_integral_value("ROUND_FLOOR")) for value in values]
    assert told == [None if value is None else band(value, width) for value in below]


@settings(deadline=None)
@given(st.lists(st.none() | st.datetimes()), st.sampled_from(["", "UTC", "Europe/London", "Pacific/Kiritimati"]))
def test_a_year_and_a_month_are_those_of_the_zones_own_clocks(values: list[datetime | None], zone: str) -> None:
    kind = declared.parse(f"timestamp({zone})" if zone else "timestamp")
    array = pa.array(values, pa.timestamp("us")).cast(kind.arrow)
    for at, year, month in zip(
        values,
        coarser(array, Column("V", "v", kind, "year")).to_pylist(),
        coarser(array, Column("V", "v", kind, "month")).to_pylist(),
        strict=True,
    ):
        if at is None:
            assert (year, month) == (None, None)
        elif 1 < at.year < 9999:
            local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) if zone else at
            assert (year, month) == (local.year, f"{local.year:04}-{local.month:02}")


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=80))
def test_a_shape_has_no_letter_and_no_digit_of_its_text(text: str) -> None:
    drawn = shape_of(text)
    assert {letter for letter in drawn[: len(text)][:64] if letter.isalnum()} <= set("Aa9")
    assert drawn[:64] == shape_of(text[:64])


def test_rules_are_ordered_by_what_they_tell() -> None:
    rules = ["keep", "drop", "mask", "year", "month", "outcode", "band(10)", "band(20)", "pseudonym(person)"]
    less = {(one, other) for one in rules for other in rules if one != other and tells_no_more(one, other)}
    assert less == {
        *((rule, "keep") for rule in rules if rule != "keep"), *(("drop", rule) for rule in rules if rule != "drop"),
        ("year", "month"), ("band(20)", "band(10)"),
    }  # fmt: skip


EVERY = [
    ("{type: date, privacy: year}", "LEAK-1"), ("{type: date, privacy: month}", "LEAK-2"),
    ("{privacy: outcode}", "SW1A 1LEAK"), ("{type: int64, privacy: band(10)}", "LEAK3"),
    ("{privacy: mask}", "LEAKME"), ("{type: int64, privacy: pseudonym(person)}", "LEAK4"), ("{privacy: drop}", "LEAK5"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "value"), EVERY, ids=[rule for rule, _ in EVERY])
def test_no_rule_lets_a_value_reach_the_disk_not_even_as_a_fault(council: Council, rule: str, value: str) -> None:
    council.key()
    council.silo("CREATE TABLE JOBS (JOB_NO, V)", f"INSERT INTO JOBS VALUES ('1', '{value}'), ('2', NULL)")
    council.declare("JOB_NO: {}", f"V: {rule}")
    council.run()
    held = b"".join(file.read_bytes() for file in (council.home / "data").rglob("*") if file.is_file())
    assert b"LEAK" not in held
    assert all(fault["value"] is None for fault in council.faults())
    assert [row.get("v") for row in council.rows() if row["job_no"] == "2"] == [None]


def test_the_fault_of_a_typed_column_has_its_text() -> None:
    from tests.extractors.test_typed import column as kept

    for raw, text in (
        (pa.array([date(2024, 1, 31)]), "2024-01-31"),
        (pa.array([datetime(2024, 1, 31, 9, 30)]), "2024-01-31 09:30:00"),  # noqa: DTZ001
        (pa.array([Decimal("12.50")]), "12.50"),
        (pa.array([True]), "true"),
    ):
        at = kept("uprn")
        _, broken = coerce(raw, at, reader(at))
        assert [rule for _, rule in broken] == ["not a UPRN: 1 to 12 digits"]
        assert told(raw, at) == (text, shape_of(text))


def told(raw: pa.Array, at: Column) -> tuple[str, str]:
    from extractors.schema import Break

    class Jobs:
        kept, key, key_columns = (at,), (), ()

    batch = pa.RecordBatch.from_arrays([raw], names=["c0"])
    (fault,) = rows(batch, (raw,), Jobs, [Break(0, 0, "rule")], before=0).to_pylist()  # type: ignore[arg-type]
    return fault["value"], fault["shape"]
