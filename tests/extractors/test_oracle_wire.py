"""Oracle's driver, as sources/oracle.py drives it, on the wire of an Oracle: what it sends, gives, and says.

There is no Oracle behind the wire (tests/servers/tns.py): which statement was asked is checked, and what the driver
makes of each type's bytes; that an Oracle would answer so is not, but where FIG_TEST_ORACLE holds one's address.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest

import extractors
from extractors import spec
from extractors.compiled import Column, Source
from extractors.declared import Type
from extractors.dialects import DIALECTS, Relation, Select
from extractors.refused import NativeFailed, SourceRefused
from extractors.run import extract
from extractors.sources import Reading, open_reading, oracle
from notation import lake
from notation.problems import Where
from tests.servers import tns
from tests.servers.wire import Fails, Rows, Server

from . import recordings
from .oracle_recorded import record
from .recordings import Line

ORACLE = DIALECTS["oracle"]
LINES = [line for line in recordings.lines("Oracle") if line[2] != "refused"]
RESULTS = {  # what an expression's value is, where it is not the column's own type
    "TO_CHAR": "VARCHAR2(4000)", "LTRIM": "VARCHAR2(4000)", "ROWIDTOCHAR": "VARCHAR2(18)", "CAST": "VARCHAR2(4000)",
    'q."V".getClobVal': "CLOB", "JSON_SERIALIZE": "CLOB", "FROM_VECTOR": "CLOB", "SDO_UTIL": "BLOB",
}  # fmt: skip
PASSWORD = "s3c/r@t"
TABLE = ORACLE.table("T")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tns.serving([], password=PASSWORD) as running:
        yield running


def reading(server: Server) -> AbstractContextManager[Reading]:
    url = tns.url(server, "HOUSING").replace(server.password, quote(server.password, safe=""))
    return open_reading(Source("silo", url, Path(), Where("datasets.yaml", 3)))


def typed(*columns: tuple[str, str]) -> tuple[str, Rows]:
    return "FROM ALL_TAB_COLUMNS c\n        WHERE", Rows([("N", "VARCHAR2(128)"), ("T", "VARCHAR2(128)")], columns)


def planned(native: str, *, as_text: bool = False) -> Select:
    return Select(TABLE, (ORACLE.plan(Column("V", "v", Type("string"), "keep"), native, as_text=as_text),))


def test_the_driver_is_as_it_was_recorded() -> None:
    """After another driver was chosen and looked at: `python -m tests.extractors.oracle_recorded`."""
    assert record() == recordings.recorded("oracle")


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[1]} {line[3]} as {line[0]}")
def test_every_value_has_its_stated_outcome(line: Line, server: Server) -> None:
    plan = recordings.planned(line, ORACLE)
    assert plan.sql == line[2]
    native = next((kind for start, kind in RESULTS.items() if line[2].startswith(start)), line[1])
    value = bytes.fromhex(line[3][2:-1]) if line[3].startswith("x'") else line[3]
    rows = Rows([("C0", native)], [(None,), (value,), (None,)])
    server.lay([typed(("V", line[1])), (" AS c0", rows)])
    with reading(server) as opened:
        (batch,) = opened.read(Select(TABLE, (plan,)))
    assert batch.schema.types == [plan.arrow]
    assert recordings.became(line, batch.column(0)) == line[4]


def test_a_day_before_christ_is_read_again_as_text(server: Server) -> None:
    server.lay([typed(("V", "DATE")), ("TO_CHAR.* AS c0", Rows([("C0", "VARCHAR2(20)")], [("-0044-03-15 00:00:00",)])),
                (" AS c0", Rows([("C0", "DATE")], [("-0044-03-15 00:00:00",)]))])  # fmt: skip
    with reading(server) as opened:
        with pytest.raises(NativeFailed, match="year -44") as failed:
            list(opened.read(planned("DATE")))
        assert failed.value.columns == {"V"}
        (batch,) = opened.read(planned("DATE", as_text=True))
    assert batch.column(0).to_pylist() == ["-0044-03-15 00:00:00"]


def test_the_session_is_pinned_and_reads_only_before_anything_is_asked(server: Server) -> None:
    server.lay([])
    before, logins = len(server.said), len(server.logins)
    with reading(server) as opened:
        assert opened.is_snapshot
        server.wait(lambda: server.said[-1] == "SET TRANSACTION READ ONLY")
        assert server.logins[logins:] == [["reader", "", False]]
        assert server.said[before:] == list(oracle.SESSION)
    assert oracle.SESSION[-1] == "SET TRANSACTION READ ONLY"


def test_many_rows_and_long_values_are_whole(server: Server) -> None:
    numbers = Rows([("C0", "NUMBER(9,0)")], [(number,) for number in range(20_000)])
    texts = ["x" * size for size in (1, 252, 253, 4_000, 2**20)] + ["🏠" * 2**18]
    server.lay([typed(("V", "NUMBER(9,0)")), (" AS c0", numbers)])
    with reading(server) as opened:
        batches = list(opened.read(planned("NUMBER(9,0)")))
        assert pa.Table.from_batches(batches).column(0).to_pylist() == list(range(20_000))
        server.lay([typed(("V", "NCLOB")), (" AS c0", Rows([("C0", "NCLOB")], [(each,) for each in texts * 10]))])
        batches = list(opened.read(planned("NCLOB")))
    assert pa.Table.from_batches(batches).column(0).to_pylist() == texts * 10
    assert max(batch.nbytes for batch in batches) < 64 * 2**20


def test_a_query_s_columns_are_described_without_its_rows(server: Server) -> None:
    kinds = ["NUMBER(12,2)", "NUMBER", "DATE", "TIMESTAMP(9)", "CLOB", "RAW(16)", "BINARY_DOUBLE", "NVARCHAR2(50)"]
    server.lay([("1 = 0", Rows([(f"C{at}", native) for at, native in enumerate(kinds)]))])
    with reading(server) as opened:
        found = opened.columns(Relation("(SELECT 1 FROM DUAL) q"))
    assert list(found.values()) == [
        "NUMBER(12,2)", "NUMBER", "DATE", "TIMESTAMP(9)", "CLOB", "RAW", "BINARY_DOUBLE", "NVARCHAR2",
    ]  # fmt: skip


def test_a_table_that_is_not_there_is_named_with_those_that_are(server: Server) -> None:
    kinds = [("T", "VARCHAR2(257)"), ("C", "VARCHAR2(128)"), ("K", "VARCHAR2(128)"), ("P", "NUMBER"), ("R", "NUMBER"),
             ("M", "VARCHAR2(4000)")]  # fmt: skip
    listed = [("HOUSING.JOBS", "JOB_NO", "NUMBER(9,0)", 1, 12, "its number"),
              ("HOUSING.JOBS", "D", "DATE", None, 12, None)]  # fmt: skip
    server.lay([("ORACLE_MAINTAINED", Rows(kinds, listed)), typed()])
    with reading(server) as opened:
        with pytest.raises(SourceRefused) as refused:
            opened.columns(ORACLE.table("HOUSING.JOBZ"))
        (found,) = opened.tables()
    assert str(refused.value) == (
        "source 'silo': there is no table or view 'HOUSING.JOBZ'; there are: HOUSING.JOBS. Did you mean 'HOUSING.JOBS'?"
    )
    assert (found.key, found.rows, found.comments) == (("JOB_NO",), 12, {"JOB_NO": "its number"})


def test_a_login_that_is_refused_is_said_without_the_password(server: Server) -> None:
    url = tns.url(server, "HOUSING").replace(server.password, "wr0ng")
    source = Source("silo", url, Path(), Where("datasets.yaml", 3))
    with pytest.raises(SourceRefused, match="Oracle does not let us in: ORA-01017") as refused, open_reading(source):
        pass
    assert "wr0ng" not in "".join(traceback.format_exception(refused.value))


def test_what_the_server_says_is_told_without_the_password(server: Server) -> None:
    server.lay([("denied", Fails(942, f"table or view {PASSWORD} does not exist")),
                ("ONE", Rows([("ONE", "NUMBER(1,0)")], [(1,)]))])  # fmt: skip
    with reading(server) as opened:
        with pytest.raises(SourceRefused, match="Oracle says: ORA-00942: table or view … does not exist") as refused:
            opened.ask("SELECT denied FROM DUAL")
        assert opened.ask("SELECT 1 AS ONE FROM DUAL") == [("1",)], "the connection is still good"
    assert PASSWORD not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("way", ["stalling", "endless"])
def test_what_runs_is_ended_on_the_server_within_a_second(way: str, server: Server) -> None:
    """A break goes out on the same connection; the server has the last word: ORA-01013."""
    numbers = Rows([("C0", "NUMBER(9,0)")], [(7,)])
    never = replace(numbers, stalling=way == "stalling", endless=way == "endless")
    server.lay([typed(("V", "NUMBER(9,0)")), (" AS c0", never)])
    before, server.sending = server.attentions, False
    with reading(server) as opened:
        began = [0.0]

        def cancel() -> None:
            server.wait(lambda: server.sending)
            began[0] = time.monotonic()
            opened.cancel()

        other = threading.Thread(target=cancel)
        other.start()
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            list(opened.read(planned("NUMBER(9,0)")))
        server.wait(lambda: server.attentions > before)
        took = time.monotonic() - began[0]
        other.join()
    assert took < 2, "a second, and as much again for a busy machine"


@pytest.mark.parametrize("way", ["cut", "failing"])
def test_rows_that_are_cut_off_are_not_taken_for_all(way: str, server: Server) -> None:
    rows = Rows([("C0", "NUMBER(9,0)")], [(7,)] * 5_000)
    failing = Fails(1555, "snapshot too old")
    server.lay([typed(("V", "NUMBER(9,0)")),
                (" AS c0", replace(rows, cut=True) if way == "cut" else replace(rows, failing=failing))])  # fmt: skip
    said = "Oracle says: DPY-4011" if way == "cut" else "Oracle says: ORA-01555: snapshot too old"
    with reading(server) as opened, pytest.raises(SourceRefused, match=said):
        list(opened.read(planned("NUMBER(9,0)")))


DATASETS = """version: 1
sources:
  housing: {url: "${HOUSING_URL}"}
datasets:
  jobs:
    title: Jobs
    owner: data@anytown.example.org
    source: housing
    table: HOUSING.JOBS
    key: [JOB_NO]
    columns:
      JOB_NO: {type: int64}
      COST: {type: "decimal(12,2)"}
      NOTE: {}
"""


def test_a_dataset_is_taken_over_the_wire(server: Server, tmp_path: Path) -> None:
    (tmp_path / "datasets.yaml").write_text(DATASETS)
    rows: Sequence[tuple[object, ...]] = [(1, "12.30", "Café"), (2, "-0.01", None), (3, None, "🏠")]
    server.lay([
        typed(("JOB_NO", "NUMBER(9,0)"), ("COST", "NUMBER(12,2)"), ("NOTE", "CLOB")),
        (r"(?i)count\(", Rows([("N", "NUMBER")], [(3,)])),
        (" AS c0", Rows([("C0", "NUMBER(9,0)"), ("C1", "NUMBER(12,2)"), ("C2", "CLOB")], rows)),
    ])  # fmt: skip
    url = tns.url(server, "HOUSING").replace(server.password, quote(server.password, safe=""))
    loaded = spec.load(tmp_path / "datasets.yaml", {"HOUSING_URL": url})
    done = extract(loaded.dataset("jobs"), tmp_path, loaded.keys_file, lambda step: None)
    assert (done.rows_in, done.rows_out) == (3, 3)
    assert lake.names(tmp_path) == ("jobs",)
    kept = extractors.dataset("jobs", home=tmp_path).arrow().sort_by("job_no").to_pylist()
    assert [[str(value) for value in row.values()][:3] for row in kept] == [
        ["1", "12.30", "Café"], ["2", "-0.01", "None"], ["3", "None", "🏠"],
    ]  # fmt: skip
