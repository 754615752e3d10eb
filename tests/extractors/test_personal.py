"""What looks personal, by a column's name and by its values; chance is not taken for a sign."""

from __future__ import annotations

import random

import pytest

from extractors import evidence
from extractors.dialects import DIALECTS
from extractors.drafting import Table, draft
from extractors.personal import FREE_TEXT, what_it_may_hold
from extractors.raw import Raw

NAMES = [
    ("CALLER_TEL", "a telephone number"), ("EmailAddress", "an e-mail address"), ("POST_CODE", "an address"),
    ("ADDR1", "an address"), ("DATE_OF_BIRTH", "a date of birth"),
    ("NHS_NO", "an NHS number or a National Insurance number"),
    ("SORT_CODE", "bank details"), ("Ethnicity", "what the law protects most"), ("FULL_NAME", "a person's name"),
    ("NAME", "a person's name"), ("WARD_NAME", ""), ("TENANT_ID", "somebody, or the number of somebody"),
    ("CREATED_BY", "who works or worked on it"), ("IP", "somebody's device"), ("PASSWORD_HASH", "a secret"),
    ("SIGNATURE", "a picture, a signature or a document"), ("PHOTO_ID", ""), ("NOTES", FREE_TEXT), ("NOTE_ID", ""),
    ("REASON_CD", ""), ("WARD", ""), ("COST", ""), ("JOB_NO", ""), ("HOTEL", ""),
    ("TENANT_COUNT", ""), ("geom", "where a home is, if these rows are about people"), ("STATUS", ""), ("LAST_MOD", ""),
    ("plate", "a document's or a vehicle's number"), ("template", ""),
    ("VRM", "a document's or a vehicle's number"), ("WAGES", "an age, or what somebody earns"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what"), NAMES)
def test_a_name_says_what_a_column_may_hold(name: str, what: str) -> None:
    assert what_it_may_hold(name) == what


WARDS = ["Abbey", "Castle", "Docks", "Market", "Park", "Riverside"]
VALUES: list[tuple[str, list[Raw], str]] = [
    ("e-mail", [*WARDS, "ann@example.org"], "hold an e-mail address"),
    ("telephone", [*WARDS, "call 01632 960 123"], "hold a telephone number"),
    ("mobile", ["07700 900123",
     "07700900124", "+44 7700 900125", "07700900126", "07700900127"],
    "hold a telephone number"),
    ("postcodes", ["AN1 2BC", "an12bd", "AN11 3BD", "SW1A 1AA", "M1 1AE"], "hold a postcode"),
    ("NI numbers", ["AB123456C", "AB 12 34 57 D", "ZY123458A", "AA123459B", "AB123460C"], "National Insurance"),
    ("people", ["Mr A Smith", "Mrs B Jones", "Dr C Brown", "Miss D", "Ms E"], "begin like a person's name"),
    ("devices", ["10.0.0.1", "10.0.0.2", "::1", "10.0.0.4", "10.0.0.5"], "addresses of devices"),
    ("sort codes", ["20-00-00", "20-00-01", "20-00-02", "20-00-03", "20-00-04"], "sort codes"),
    ("sentences", [f"the tap in the kitchen drips since {n} days" for n in range(9)], "its values are sentences"),
    ("documents", [f'{{"n": {n}}}' for n in range(9)], "are documents, which may hold anything"),
    ("long documents", ['{"n": "%s"}' % (str(n) * 20_000) for n in range(9)], "are documents"),
    ("codes in brackets", [f"[{code}" for code in WARDS], ""),
    ("wards", list(WARDS), ""),
    ("codes", [f"PLU{n}" for n in range(50)], ""),
    ("dates", [f"2024-01-{n:02}" for n in range(1, 29)], ""),
    ("job numbers", [100_000 + n for n in range(500)], ""),
    ("decimals as text", [f"{n}.50" for n in range(200)], ""),
    ("UPRNs", [100_023_336_000 + n for n in range(500)], ""),
    ("too few", ["a@example.org"], ""),
]  # fmt: skip


@pytest.mark.parametrize(("values", "says"), [case[1:] for case in VALUES], ids=[case[0] for case in VALUES])
def test_values_say_what_they_are(values: list[Raw], says: str) -> None:
    told = evidence.personal(values)
    assert says in told
    assert bool(told) == bool(says)


def nhs_number(body: int) -> str | None:
    """Nine digits and the tenth; no number if it would be 10."""
    digits = f"{body:09}"
    check = (11 - sum(int(digit) * (10 - at) for at, digit in enumerate(digits)) % 11) % 11
    return None if check == 10 else digits + str(check)


def test_nhs_numbers_are_seen_by_their_check_digits() -> None:
    numbers = [number for body in range(400_000_000, 400_000_020) if (number := nhs_number(body))]
    assert numbers[0] == "4000000004"
    assert "NHS" in evidence.personal(list(numbers))
    assert "NHS" in evidence.personal([*(f"{number[:3]} {number[3:6]} {number[6:]}" for number in numbers)])


def test_numbers_that_pass_by_chance_are_not_taken_for_them() -> None:
    """One in eleven does. Of two thousand columns of ten-digit numbers, random or in a row, none is accused."""
    dice = random.Random(4)
    for _ in range(1000):
        size = dice.choice((5, 12, 40, 300))
        first = dice.randrange(10**9, 9 * 10**9)
        assert evidence.personal([str(dice.randrange(10**9, 10**10)) for _ in range(size)]) == ""
        assert evidence.personal([str(first + at) for at in range(size)]) == ""


def dropped(columns: dict[str, str], table: str = "T") -> set[str]:
    made = draft(Table(table, {"ID": "int", **columns}, DIALECTS["tsql"], ("ID",)), "t")
    return {line.source for line in made.columns if line.is_dropped}


def test_where_something_is_says_who_only_beside_people() -> None:
    assert dropped({"UPRN": "bigint", "EASTING": "int", "geom": "int"}) == set()
    assert dropped({"UPRN": "bigint", "SURNAME": "nvarchar(50)"}) == {"UPRN", "SURNAME"}
    assert dropped({"UPRN": "bigint"}, table="dbo.PROPERTIES") == {"UPRN"}


def test_bytes_and_documents_may_be_anything() -> None:
    assert dropped({"SCANNED": "varbinary(max)", "FORM_DATA": "json", "ROWVERSION": "rowversion"}) == {
        "SCANNED",
        "FORM_DATA",
    }


def test_a_personal_key_becomes_a_pseudonym() -> None:
    made = draft(Table("T", {"TENANT_NO": "int", "SEQ": "int"}, DIALECTS["tsql"], ("TENANT_NO", "SEQ")), "t")
    assert [line.settings.get("privacy") for line in made.columns] == ["pseudonym(person)", None]
