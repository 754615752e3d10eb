"""docs/types.md is the specification: every line of its tables is run, from a real SQLite file into a real dataset."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors import declared, formats, parsing
from extractors.raw import Undecodable, pack, unpack
from notation import lake, marked_yaml
from notation.problems import Refused

from .conftest import Council

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "types.md"


def lines() -> Iterator[tuple[str, str, str]]:
    """(column, what the source holds as SQL, what the dataset gets); a cell left empty repeats the one above."""
    column = ""
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
        if len(cells) < 3 or not cells[-2].startswith("`") or not (cells[-3].startswith("`{") or not cells[-3]):
            continue
        column = cells[-3].strip("`") if cells[-3].startswith("`") else column
        if column:
            yield column, cells[-2].strip("`").replace("·", " "), cells[-1].strip("`").replace("·", " ")


LINES = list(lines())


def test_the_document_has_its_lines() -> None:
    assert len(LINES) > 165


def test_every_type_has_a_line() -> None:
    shown = {
        re.sub(r"\(.*", "", match[1]) for column, _, _ in LINES if (match := re.search(r'type: "?([a-z0-9]+)', column))
    }
    assert {re.sub(r"\(.*", "", name) for name in declared.NAMES} - shown == set()


@pytest.mark.parametrize("column", dict.fromkeys(column for column, _, _ in LINES))
def test_every_value_has_its_stated_outcome(column: str, council: Council) -> None:
    told = [(stored, gets) for at, stored, gets in LINES if at == column]
    council.silo("CREATE TABLE JOBS (JOB_NO INTEGER PRIMARY KEY, V)")
    council.silo(*(f"INSERT INTO JOBS VALUES ({at}, {stored})" for at, (stored, _) in enumerate(told, 1)))
    council.declare("JOB_NO: {type: int64}", f"V: {column}")
    council.run()
    faults = {fault["row"]: f"fault: {fault['rule']}" for fault in council.faults()}
    got = {
        row["job_no"]: faults.get(row["job_no"], "NULL" if row["v"] is None else formats.text(row["v"]))
        for row in council.rows()
    }
    assert [(stored, got[at]) for at, (stored, _) in enumerate(told, 1)] == told
    assert all(row["v"] is None for row in council.rows() if row["job_no"] in faults)


@pytest.mark.parametrize("column", dict.fromkeys(column for column, _, _ in LINES))
def test_alone_in_its_batch_a_value_has_the_same_outcome(column: str, tmp_path: Path) -> None:
    """Whole columns of one kind take faster ways; what comes out may not differ."""
    from extractors.coarser import coarser
    from extractors.compiled import Column
    from extractors.schema import coerce, reader
    from extractors.spec import _column

    document = marked_yaml.parse(f"V: {column}", "x.yaml")
    from extractors.model import ColumnSpec

    compiled: Column = _column(document, ("V",), "V", ColumnSpec.model_validate(document.at(("V",))))
    connection = sqlite3.connect(":memory:")
    for stored, gets in [(stored, gets) for at, stored, gets in LINES if at == column]:
        (raw,) = connection.execute(f"SELECT {stored}").fetchone()
        typed, broken = coerce(pack([raw, None, raw]), compiled, reader(compiled))
        assert typed.type == compiled.type.arrow
        if gets.startswith("fault: "):
            assert broken == [(0, gets.removeprefix("fault: ")), (2, gets.removeprefix("fault: "))]
            assert typed.null_count == 3
        else:
            assert broken == []
            if compiled.privacy != "keep":
                typed = coarser(typed, compiled)
            assert typed.type == compiled.arrow
            assert [formats.text(value) for value in typed.to_pylist()] == [
                "" if gets == "NULL" else gets,
                "",
                *(["" if gets == "NULL" else gets]),
            ]
    connection.close()


def test_text_that_is_not_utf8_is_a_fault_that_can_be_looked_up(council: Council) -> None:
    council.silo("CREATE TABLE JOBS (JOB_NO INTEGER, V TEXT)", "INSERT INTO JOBS VALUES (1, CAST(x'436166e9' AS TEXT))")
    council.declare("JOB_NO: {type: int64}", "V: {}")
    council.run()
    assert council.rows() == [{"job_no": 1, "v": None}]
    (fault,) = council.faults()
    assert (fault["rule"], fault["value"], fault["shape"]) == (
        "text that is not valid UTF-8", "436166e9", "4 bytes of undecodable text",
    )  # fmt: skip


RAW = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.binary() | st.text(
    st.characters(exclude_categories=("Cs",))
)  # fmt: skip


@given(st.lists(RAW | st.binary().map(Undecodable)))
def test_what_a_source_holds_travels_unchanged(values: list[object]) -> None:
    back = unpack(pack(values))  # type: ignore[arg-type]
    assert [(type(value), value) for value in back] == [(type(value), value) for value in values]


@given(RAW, st.sampled_from([*(name for name in declared.NAMES if "(" not in name), "decimal(12,2)", "timestamp(UTC)"]))
def test_any_value_is_held_exactly_or_broken(raw: object, name: str) -> None:
    kind = declared.parse(name)
    if raw is None:
        return
    value = parsing.parser(kind)(raw)  # type: ignore[arg-type]
    if not isinstance(value, parsing.Broken):
        assert pa.array([value], type=kind.arrow)[0].as_py() == value


@given(st.integers(-(10**11), 10**11))
def test_pence_become_pounds_to_the_last_digit(pence: int) -> None:
    value = parsing.parser(declared.parse("decimal(12,2)"), 100)(pence)
    expected = f"{'-' if pence < 0 else ''}{abs(pence) // 100}.{abs(pence) % 100:02}"
    assert formats.text(value) == expected or (isinstance(value, parsing.Broken) and abs(pence) >= 10**12)


WRONG = [
    ("varchar", "type 'varchar' is not known", "write string"),
    ("uint64", "type 'uint64' is not known", "write decimal(20,0)"),
    ("decimal", "type 'decimal' does not say how many digits",
     "write decimal(p,s): p digits in all (1 to 38), s of them after the point, for example decimal(12,2)"),
    ("decimal(39,2)", "type 'decimal(39,2)' does not say how many digits",
     "write decimal(p,s): p digits in all (1 to 38), s of them after the point, for example decimal(12,2)"),
    ("date(3)", "type 'date(3)' takes nothing in brackets", "write date"),
    ("timestamp(Europe/Londno)",
     "type 'timestamp(Europe/Londno)' names a time zone 'Europe/Londno' that this machine does not know",
     "write timestamp(Europe/London), timestamp(UTC), or timestamp for times without a zone"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what", "hint"), WRONG, ids=[text for text, _, _ in WRONG])
def test_a_type_that_is_not_known_says_what_to_write(text: str, what: str, hint: str) -> None:
    with pytest.raises(Refused) as refused:
        declared.parse(text)
    assert (refused.value.what, refused.value.hint) == (what, hint)


def test_a_dataset_without_rows_still_has_its_schema(council: Council) -> None:
    council.silo("CREATE TABLE JOBS (JOB_NO INTEGER, V TEXT)")
    council.declare("JOB_NO: {type: int64}", "V: {type: date}")
    assert council.run().rows_in == 0
    snapshot = lake.open_dataset(council.home, "jobs")
    assert [(field.name, field.type) for field in snapshot.schema] == [("job_no", pa.int64()), ("v", pa.date32())]
    assert snapshot.table().num_rows == 0
