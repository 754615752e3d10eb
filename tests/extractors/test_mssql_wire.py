"""Microsoft's driver, as sources/mssql.py drives it, on the wire of a SQL Server: what it sends, gives, and says.

There is no SQL Server behind the wire (tests/servers/tds.py): which statement was asked is checked, and what the driver
makes of each type's bytes; that a SQL Server would answer so is not, but where FIG_TEST_MSSQL holds one's address.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pytest

import extractors
from extractors import spec
from extractors.compiled import Column, Source
from extractors.declared import Type
from extractors.dialects import DIALECTS, Relation, Select
from extractors.raw import Undecodable, unpack
from extractors.refused import NativeFailed, SourceRefused
from extractors.run import extract
from extractors.sources import Reading, open_reading
from notation import lake
from notation.problems import Where
from tests.servers import tds
from tests.servers.wire import Fails, Rows, Server

from . import recordings
from .mssql_recorded import record
from .recordings import Line

TSQL = DIALECTS["tsql"]
LINES = [line for line in recordings.lines("SQL Server") if line[2] != "refused"]
RESULTS = {  # what an expression's value is, where it is not the column's own type
    "CONVERT(varchar(34)": "varchar(34)", "CONVERT(nvarchar(max)": "nvarchar(max)", "CAST": "varbinary(892)",
    "[V].ToString": "nvarchar(4000)", "[V].AsBinaryZM": "varbinary(max)",
}  # fmt: skip
SETTINGS = "SET LOCK_TIMEOUT 10000; SET DATEFORMAT ymd; SET TRANSACTION ISOLATION LEVEL "
TEXT, COUNT = "nvarchar(128)", ("n", "bigint")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tds.serving([], password="s3c;r}t") as running:
        yield running


def snapshot(state: int) -> tuple[str, Rows]:
    return "snapshot_isolation_state", Rows([("snapshot_isolation_state", "tinyint")], [(state,)])


def described(*columns: tuple[str, str | None, str | None]) -> tuple[str, Rows]:
    names = ("name", "system_type_name", "user_type_name")
    return "dm_exec_describe", Rows([(name, TEXT) for name in names], columns)


def reading(server: Server) -> AbstractContextManager[Reading]:
    url = tds.url(server, "housing").replace(server.password, "s3c%3Br%7Dt")
    return open_reading(Source("silo", url, Path(), Where("datasets.yaml", 3)))


def planned(native: str, relation: Relation, *, as_text: bool = False) -> Select:
    return Select(relation, (TSQL.plan(Column("V", "v", Type("string"), "keep"), native, as_text=as_text),))


QUERY = Relation("(SELECT 1 AS V) AS q")


def test_the_driver_is_as_it_was_recorded() -> None:
    """After another driver was chosen and looked at: `python -m tests.extractors.mssql_recorded`."""
    assert record() == recordings.recorded("mssql")


def sent(line: Line) -> tuple[str, object]:
    """What SQL Server would send for a line: the type, and the value."""
    how, text = line[2], line[3]
    native = next((kind for start, kind in RESULTS.items() if how.startswith(start)), line[1])
    if text.startswith("x'"):
        return native, bytes.fromhex(text[2:-1])
    if native.startswith("datetimeoffset"):
        return native, text.replace("Z", " 60")
    return native, "\ud83d" if text == "�" else text


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[1]} {line[3]} as {line[0]}")
def test_every_value_has_its_stated_outcome(line: Line, server: Server) -> None:
    plan = recordings.planned(line, TSQL)
    assert plan.sql == line[2]
    native, value = sent(line)
    rows = Rows([("c0", native)], [(None,), (value,), (None,)])
    server.lay([snapshot(1), described(("V", line[1], None)), (r"^SELECT .* AS c0 FROM", rows)])
    with reading(server) as opened:
        if line[4] == "read again as bytes":
            with pytest.raises(NativeFailed) as failed:
                list(opened.read(Select(QUERY, (plan,))))
            assert failed.value.columns == {"V"}
            return
        (batch,) = opened.read(Select(QUERY, (plan,)))
    assert plan.arrow is None or batch.schema.types == [plan.arrow]
    assert recordings.became(line, batch.column(0)) == line[4]


def test_half_a_pair_is_read_again_as_the_bytes_that_are_kept(server: Server) -> None:
    stored = [(None,), ("🏠�".encode("utf-16-le"),), (b"\x3d\xd8",)]
    server.lay([snapshot(1), described(("V", "nvarchar(10)", None)),
                (r"CONVERT\(varbinary\(max\), .* AS c0", Rows([("c0", "varbinary(max)")], stored))])  # fmt: skip
    with reading(server) as opened:
        (batch,) = opened.read(planned("nvarchar(10)", QUERY, as_text=True))
    values = unpack(batch.column(0))
    assert values == [None, "🏠�", b"\x3d\xd8"]
    assert isinstance(values[2], Undecodable)


@pytest.mark.parametrize(("state", "level"), [(1, "SNAPSHOT"), (0, "READ COMMITTED"), (2, "READ COMMITTED")])
def test_it_only_reads_in_a_snapshot_where_the_database_allows_one(state: int, level: str, server: Server) -> None:
    server.lay([snapshot(state)])
    before, logins = len(server.said), len(server.logins)
    with reading(server) as opened:
        assert opened.is_snapshot == (level == "SNAPSHOT")
        server.wait(lambda: server.said[-1] == SETTINGS + level)
        assert server.logins[logins:] == [["reader", "housing", True]]
    asked = "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"
    said = server.said[before:]
    assert [each for each in said if each not in ("begin", "rollback")] == [asked, SETTINGS + level]
    assert said.index("rollback") < said.index(SETTINGS + level), "the level of a begun transaction cannot be SNAPSHOT"


def test_rows_without_a_snapshot_come_with_their_count(server: Server) -> None:
    counting = Rows([("c0", "int"), COUNT], [(number, 20_000) for number in range(20_000)])
    server.lay([snapshot(0), described(("V", "int", None)), (r"AS c0, \(SELECT COUNT_BIG", counting)])
    with reading(server) as opened:
        batches = list(opened.read(planned("int", QUERY)))
        assert pa.Table.from_batches(batches).column(0).to_pylist() == list(range(20_000))
        assert opened.counted() == 20_000
        server.lay([described(("V", "int", None)), (" AS c0", Rows([("c0", "int"), COUNT]))])
        assert list(opened.read(planned("int", QUERY))) == []
        assert opened.counted() == 0


def test_long_values_are_whole(server: Server) -> None:
    values = ["x" * size for size in (0, 1, 4_095, 4_096, 2**20)] + ["🏠" * 2**18]
    server.lay([snapshot(1), described(("V", "nvarchar(max)", None)),
                (" AS c0", Rows([("c0", "nvarchar(max)")], [(value,) for value in values * 20]))])  # fmt: skip
    with reading(server) as opened:
        batches = list(opened.read(planned("nvarchar(max)", QUERY)))
    assert pa.Table.from_batches(batches).column(0).to_pylist() == values * 20
    assert max(batch.nbytes for batch in batches) < 32 * 2**20


def test_a_table_that_is_not_there_is_named_with_those_that_are(server: Server) -> None:
    listed = [("dbo.JOBS", "JOB_NO", "int", 1, 12, None), ("dbo.JOBS", "NOTE", "nvarchar(max)", None, 12, "free text")]
    kinds = [("t", TEXT), ("c", TEXT), ("k", TEXT), ("p", "tinyint"), ("r", "bigint"), ("e", "nvarchar(4000)")]
    server.lay([snapshot(1), ("OBJECT_ID", Rows([("id", "int")], [(None,)])), ("sys.objects", Rows(kinds, listed))])
    with reading(server) as opened:
        with pytest.raises(SourceRefused) as refused:
            opened.columns(TSQL.table("dbo.JOBZ"))
        (found,) = opened.tables()
    assert str(refused.value) == (
        "source 'silo': there is no table or view 'dbo.JOBZ'; there are: dbo.JOBS. Did you mean 'dbo.JOBS'?"
    )
    assert (found.key, found.rows, found.comments) == (("JOB_NO",), 12, {"NOTE": "free text"})


def test_a_clr_type_has_its_own_name(server: Server) -> None:
    there = ("OBJECT_ID", Rows([("id", "int")], [(7,)]))
    server.lay([snapshot(1), there, described(("A", "nvarchar(50)", "sysname"), ("G", None, "geography"))])
    with reading(server) as opened:
        assert opened.columns(TSQL.table("dbo.JOBS")) == {"A": "nvarchar(50)", "G": "geography"}


def test_a_login_that_is_refused_is_said_without_the_password(server: Server) -> None:
    url = tds.url(server, "housing").replace(server.password, "wr0ng")
    source = Source("silo", url, Path(), Where("datasets.yaml", 3))
    with pytest.raises(SourceRefused) as refused, open_reading(source):
        pass
    assert str(refused.value) == (
        "source 'silo': SQL Server does not let us in: Driver Error: Invalid authorization specification;"
        " DDBC Error: [Microsoft][SQL Server]Login failed for 'reader': … is wrong"
    )
    assert "wr0ng" not in "".join(traceback.format_exception(refused.value))


def test_what_the_server_says_is_told_without_the_password(server: Server) -> None:
    server.lay([snapshot(1), ("denied", Fails(229, "SELECT was denied, s3c;r}t or not"))])
    with reading(server) as opened:
        with pytest.raises(SourceRefused, match=r"SQL Server says: .*SELECT was denied, … or not") as refused:
            opened.ask("SELECT denied")
        server.lay([("SELECT 1", Rows([("one", "int")], [(1,)]))])
        assert opened.ask("SELECT 1") == [("1",)], "the connection is still good"
    assert "s3c;r}t" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("native", ["int", "nvarchar(max)"])
def test_what_runs_is_ended_on_the_server_within_a_second(native: str, server: Server) -> None:
    """The attention comes while rows do, and the driver takes the server's word that it has stopped."""
    endless = Rows([("c0", native)], [(7,)], endless=True)
    server.lay([snapshot(1), described(("V", native, None)), (" AS c0", endless)])
    before = server.attentions
    with reading(server) as opened:
        batches = opened.read(planned(native, QUERY))
        next(batches)
        cancelled = threading.Timer(0, opened.cancel)
        cancelled.start()
        began = time.monotonic()
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            list(batches)
        server.wait(lambda: server.attentions > before)
        took = time.monotonic() - began
        cancelled.join()
    assert took < 2, "a second, and as much again for a busy machine"


def test_rows_that_are_cut_off_are_not_taken_for_all(server: Server) -> None:
    """Where the connection is lost between two rows, the driver gives those that came and then none: as at the end."""
    cut = Rows([("c0", "int")], [(7,)] * 100, cut=True)
    server.lay([snapshot(1), described(("V", "int", None)), (" AS c0", cut)])
    with reading(server) as opened, pytest.raises(SourceRefused, match=r"SQL Server's driver says: .*link failure"):
        list(opened.read(planned("int", QUERY)))


def test_a_failure_after_some_rows_is_said(server: Server) -> None:
    failing = Rows([("c0", "int")], [(7,)] * 100, failing=Fails(8134, "Divide by zero error encountered."))
    server.lay([snapshot(1), described(("V", "int", None)), (" AS c0", failing)])
    with reading(server) as opened, pytest.raises(SourceRefused, match=r"SQL Server says: .*Divide by zero"):
        list(opened.read(planned("int", QUERY)))


def test_a_server_that_goes_away_while_rows_come_is_said() -> None:
    endless = Rows([("c0", "int")], [(7,)], endless=True)
    with tds.serving([snapshot(1), described(("V", "int", None)), (" AS c0", endless)]) as server:
        source = Source("silo", tds.url(server, "housing"), Path(), Where("datasets.yaml", 3))
        with open_reading(source) as opened:
            batches = opened.read(planned("int", QUERY))
            next(batches)
            server.process.kill()
            with pytest.raises(SourceRefused, match=r"SQL Server(|'s driver) says: .*link failure"):
                list(batches)


DATASETS = """version: 1
sources:
  housing: {url: "${HOUSING_URL}"}
datasets:
  jobs:
    title: Jobs
    owner: data@anytown.example.org
    source: housing
    table: dbo.JOBS
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
        snapshot(1), ("OBJECT_ID", Rows([("id", "int")], [(7,)])),
        described(("JOB_NO", "int", None), ("COST", "money", None), ("NOTE", "nvarchar(max)", None)),
        (r"(?i)count_big", Rows([COUNT], [(3,)])),
        (" AS c0", Rows([("c0", "int"), ("c1", "money"), ("c2", "nvarchar(max)")], rows)),
    ])  # fmt: skip
    url = tds.url(server, "housing").replace(server.password, "s3c%3Br%7Dt")
    loaded = spec.load(tmp_path / "datasets.yaml", {"HOUSING_URL": url})
    done = extract(loaded.dataset("jobs"), tmp_path, loaded.keys_file, lambda step: None)
    assert (done.rows_in, done.rows_out) == (3, 3)
    assert lake.names(tmp_path) == ("jobs",)
    kept = extractors.dataset("jobs", home=tmp_path).arrow().sort_by("job_no").to_pylist()
    assert [[str(value) for value in row.values()][:3] for row in kept] == [
        ["1", "12.30", "Café"], ["2", "-0.01", "None"], ["3", "None", "🏠"],
    ]  # fmt: skip
