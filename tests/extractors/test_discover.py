"""A draft of datasets.yaml is accepted as it is, takes every row out without a fault, and shows no value of any."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from extractors import discover, draft_yaml, spec
from extractors.cli import extract as command
from extractors.dialects import DIALECTS
from extractors.draft_yaml import Head
from extractors.drafting import Table, dataset_names, draft
from extractors.raw import Raw
from extractors.refused import SourceRefused
from tests.servers import odbc


def run(folder: Path, *words: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    done = CliRunner().invoke(command, ["-c", str(folder / "datasets.yaml"), *words], env=environ or {})
    return done.exit_code, done.stdout, done.stderr


def loads(folder: Path, text: str) -> spec.Loaded:
    path = folder / "datasets-draft.yaml"
    path.write_text(text, encoding="utf-8")
    return spec.load(path, {})


SILO = (
    """CREATE TABLE REPAIR_JOBS (JOB_NO INTEGER PRIMARY KEY, TENANT_NO TEXT, UPRN INTEGER, TRADE TEXT, INFO TEXT,
       REPORTED INTEGER, CREATED_AT DATETIME, LAST_MOD DATETIME, COST DECIMAL(12,2), NOTES TEXT)""",
    "CREATE TABLE LOOSE (CODE TEXT, MEANING TEXT)",
    "CREATE TABLE persons (person_no TEXT PRIMARY KEY, surname TEXT, created_on DATE)",
)


@pytest.fixture
def silo(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / "silo.db")
    for statement in SILO:
        connection.execute(statement)
    connection.executemany(
        "INSERT INTO REPAIR_JOBS VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (n, f"CANARY{n}", 0 if n % 3 else 100_023_336_956 + n, "PLU", f"canary{n}@example.org", 20240101 + n % 28,
             "2024-01-01 10:00:00", f"2024-02-{1 + n % 28:02} 10:11:12", 1234.5, f"CANARY says {n}")
            for n in range(60)
        ],
    )  # fmt: skip
    connection.executemany("INSERT INTO LOOSE VALUES (?, ?)", [("CANARY-A", "one"), ("CANARY-B", "one")])
    connection.executemany("INSERT INTO persons VALUES (?, ?, ?)", [("CANARY1", "Canary", "2024-01-31")])
    connection.commit()
    connection.close()
    (tmp_path / "datasets.yaml").write_text(
        "version: 1\npublisher: {name: Anytown, id: 'local-authority-eng:ANY', contact: data@anytown.example.org}\n"
        'sources:\n  silo: {url: "${SILO}", rows_per_second: 100000}\n',
        encoding="utf-8",
    )
    return tmp_path


DRAFT = """\
# A draft from the catalogue of source silo: 3 tables, 1 without a key. Nobody has decided anything yet.
# Columns that look personal are dropped, which is to say never read, until somebody decides otherwise.
# docs/taking-a-table.md says what to do next.
version: 1
publisher: {name: Anytown, id: "local-authority-eng:ANY", contact: data@anytown.example.org}
sources:
  silo: {url: "${SILO}", rows_per_second: 100000}

datasets:
  # LOOSE: about 2 rows, 2 of them looked at.
  # No primary key was found, and no unique index without NULLs, so this is only a comment.
  # In the rows looked at, unique: CODE. Ask the supplier, fill in key:, and take the '# ' away.
  # loose:
  #   title: Loose
  #   owner: data@anytown.example.org
  #   source: silo
  #   table: LOOSE
  #   key: []
  #   # no cursor, so everything is read each time: no column's name says when a row was last changed
  #   columns:
  #     CODE: {}
  #     MEANING: {}

  # REPAIR_JOBS: about 60 rows, 60 of them looked at.
  repair-jobs:
    title: Repair jobs
    owner: data@anytown.example.org
    source: silo
    table: REPAIR_JOBS
    key: [JOB_NO]
    cursor: {column: LAST_MOD, lag: 15m}  # by its name, when a row was last changed: ask the supplier whether \
every change sets it
    deletes: detect  # rows gone from the source go here too; ignore: they stay
    columns:
      JOB_NO: {type: int64}
      TENANT_NO: {privacy: drop}  # somebody, or the number of somebody: dropped until someone decides
      UPRN: {type: uprn, null_values: ["0"], privacy: drop}  # where a home is, if these rows are about people: \
dropped until someone decides
      TRADE: {}
      INFO: {privacy: drop}  # 100% of the sampled values hold an e-mail address: dropped until someone decides
      REPORTED: {type: int64}  # all sampled values would fit type: date
      CREATED_AT: {type: timestamp}  # no zone in the source: timestamp(Europe/London) if it is this country's time
      LAST_MOD: {type: timestamp}  # no zone in the source: timestamp(Europe/London) if it is this country's time
      COST: {type: "decimal(12,2)"}
      NOTES: {privacy: drop}  # free text, which may say anything of anybody: dropped until someone decides

  # persons: about 1 rows, 1 of them looked at.
  persons:
    title: Persons
    owner: data@anytown.example.org
    source: silo
    table: persons
    key: [person_no]
    # no cursor, so everything is read each time: created_on says when a row came, not when it was changed, so later \
changes would be missed
    columns:
      person_no: {privacy: pseudonym(person)}  # somebody, or the number of somebody, and in the key: a stand-in
      surname: {privacy: drop}  # a person's name: dropped until someone decides
      created_on: {type: date}

"""
URL = {"SILO": "sqlite:///silo.db"}


def test_a_draft_says_each_choice_with_its_reason(silo: Path) -> None:
    assert run(silo, "--discover", "silo", environ=URL)[:2] == (0, DRAFT.removesuffix("\n"))


def test_no_value_of_a_row_is_ever_shown(silo: Path) -> None:
    for words in ((), ("--json",)):
        code, text, told = run(silo, "--discover", "silo", *words, environ=URL)
        assert code == 0
        assert "canary" not in (text + told).lower()


def test_a_secret_of_the_environment_stays_there(silo: Path) -> None:
    code, text, told = run(silo, "--discover", "silo", environ={"SILO": f"sqlite:///{silo.name}/../silo.db"})
    assert silo.name not in text
    assert code == 3
    code, text, told = run(silo, "--discover", "silo", environ={"SILO": "postgresql://me:hunter2@127.0.0.1:1/db"})
    assert (code, "hunter2" in text + told) == (3, False)


def test_as_data_it_says_the_same(silo: Path) -> None:
    said = json.loads(run(silo, "--discover", "silo", "--json", environ=URL)[1])
    assert list(said["datasets"]) == ["repair-jobs", "persons"]
    assert said["without_key"]["loose"]["unique"] == ["CODE"]
    assert said["datasets"]["repair-jobs"]["cursor"] == {"column": "LAST_MOD", "lag": "15m"}
    assert said["datasets"]["repair-jobs"]["columns"]["TENANT_NO"] == {"privacy": "drop"}
    assert said["notes"]["repair-jobs"]["rows"] == 60


def test_tables_can_be_named_in_any_case(silo: Path) -> None:
    said = json.loads(run(silo, "--discover", "silo", "repair_jobs", "--json", environ=URL)[1])
    assert list(said["datasets"]) == ["repair-jobs"]
    words = ["-c", str(silo / "datasets.yaml"), "--discover", "silo", "REPAIRJOBS"]
    assert "Did you mean 'REPAIR_JOBS'?" in str(CliRunner().invoke(command, words, env=URL).exception)


def test_a_table_that_is_a_dataset_already_is_not_drafted_again(silo: Path) -> None:
    path = silo / "datasets.yaml"
    path.write_text(
        path.read_text() + "datasets:\n  jobs: {title: J, owner: me, source: silo, table: REPAIR_JOBS, key: [JOB_NO],"
        " columns: {JOB_NO: {type: int64}}}\n"
    )
    _, text, told = run(silo, "--discover", "silo", "--json", environ=URL)
    assert list(json.loads(text)["datasets"]) == ["persons"]
    assert "already datasets, so not drafted: REPAIR_JOBS" in told


def test_a_draft_overwrites_nothing(silo: Path) -> None:
    target = silo / "datasets-draft.yaml"
    assert run(silo, "--discover", "silo", "-o", str(target), environ=URL)[:2] == (0, "")
    assert target.read_text() == DRAFT.removesuffix("\n")
    target.write_text("mine")
    done = CliRunner().invoke(
        command, ["-c", str(silo / "datasets.yaml"), "--discover", "silo", "-o", str(target)], env=URL
    )
    assert "is there already" in str(done.exception)
    assert target.read_text() == "mine"


def test_no_rows_are_looked_at_if_none_may_be(silo: Path) -> None:
    _, text, _ = run(silo, "--discover", "silo", "--sample", "0", "REPAIR_JOBS", environ=URL)
    assert "the source does not say how many rows, none of them looked at" in text
    assert "LAST_MOD looks like one, but there are no values to judge it by" in text
    assert "      INFO: {}\n" in text


ADDRESSES = [
    ("postgresql://reader:hunter2@db/housing", "a password in a command can be seen by everybody on this machine"),
    ("odbc://?dsn=HOUSING&PWD=hunter2", "a password in a command can be seen by everybody on this machine"),
    ("postgresql://reader:${NOT_SET_ANYWHERE}@db/housing", "NOT_SET_ANYWHERE is not set"),
    ("postgresql://db:x/housing", "the url is no address"),
    ("ftp://db/housing", "begins with 'ftp'"),
    ("housing", "there is no source 'housing'"),
]


@pytest.mark.parametrize(("source", "said"), ADDRESSES)
def test_a_source_that_cannot_be_meant_is_told(silo: Path, source: str, said: str) -> None:
    done = CliRunner().invoke(command, ["-c", str(silo / "datasets.yaml"), "--discover", source], env=URL)
    assert said in str(done.exception)
    assert "hunter2" not in str(done.exception) + done.output


def test_a_url_will_do(silo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(silo)
    code, text, _ = run(silo, "--discover", "sqlite:///${NAME}.db", environ={"NAME": "silo"})
    assert code == 0
    assert '\nsources:\n  name: {url: "sqlite:///${NAME}.db"}\n' in text
    loaded = spec.load(_written(silo, text), {"NAME": "silo"})
    assert loaded.names == ("repair-jobs", "persons")


def _written(folder: Path, text: str) -> Path:
    path = folder / "datasets-draft.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_unique_index_without_nulls_is_a_key_where_there_is_no_primary_one(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "silo.db")
    connection.executescript(
        "CREATE TABLE a (x TEXT UNIQUE, y INT NOT NULL, z INT NOT NULL, UNIQUE (z, y));"
        "CREATE TABLE b (x INT NOT NULL, y INT); CREATE UNIQUE INDEX some ON b (x) WHERE y > 1;"
        "CREATE TABLE c (x INT NOT NULL); CREATE UNIQUE INDEX folded ON c (abs(x));"
    )
    connection.close()
    (tmp_path / "datasets.yaml").write_text('version: 1\nsources:\n  silo: {url: "sqlite:///silo.db"}\n')
    said = json.loads(run(tmp_path, "--discover", "silo", "--json")[1])
    assert {name: one["key"] for name, one in said["datasets"].items()} == {"a": ["z", "y"]}
    assert set(said["without_key"]) == {"b", "c"}


def test_a_product_that_has_no_catalogue_is_asked_for_the_tables_that_are_named(silo: Path) -> None:
    driver = odbc.driver("SQLite3")
    url = odbc.url({"driver": driver, "database": str(silo / "silo.db")})
    (silo / "datasets.yaml").write_text(f'version: 1\nsources:\n  any: {{url: "{url}", dialect: odbc}}\n')
    done = CliRunner().invoke(command, ["-c", str(silo / "datasets.yaml"), "--discover", "any"])
    assert "does not say which tables it has" in str(done.exception)
    code, text, told = run(silo, "--discover", "any", "REPAIR_JOBS")
    assert (code, spec.load(_written(silo, text), {}).names) == (0, ())
    assert "# No primary key was found" in text
    assert "  #     JOB_NO: {type: int64}\n" in text
    assert "its rows could not be looked at, so only names and types count" in told


def test_an_empty_source_has_nothing_to_draft(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "silo.db").close()
    (tmp_path / "datasets.yaml").write_text('version: 1\nsources:\n  silo: {url: "sqlite:///silo.db"}\n')
    done = CliRunner().invoke(command, ["-c", str(tmp_path / "datasets.yaml"), "--discover", "silo"])
    assert "does not say which tables it has" in str(done.exception)


def test_the_source_is_read_at_its_hours_only(silo: Path) -> None:
    wanted = discover.asked("silo", lambda: silo / "datasets.yaml", silo, URL)
    now = datetime.now().astimezone()
    closed = (time((now.hour + 2) % 24), time((now.hour + 3) % 24))
    nobody = replace(wanted.source, url="postgresql://reader@127.0.0.1:1/db", rows_per_second=None, window=closed)
    with pytest.raises(SourceRefused, match="may be read at"):  # said before it is even asked
        discover.discover(discover.Asked(nobody, wanted.head), (), lambda _: None)


def test_a_source_is_left_alone_when_its_hours_end_between_two_tables(
    silo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(name: str, *_: object) -> None:
        if len(told) == 2:
            raise SourceRefused("it is six")

    told: list[str] = []
    monkeypatch.setattr("extractors.discover.check_open", check)
    wanted = discover.asked("silo", lambda: silo / "datasets.yaml", silo, URL)
    with pytest.raises(SourceRefused, match="it is six"):
        discover.discover(wanted, (), told.append)


def test_rows_of_large_documents_are_enough_before_the_page_is_full(
    silo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = sqlite3.connect(silo / "silo.db")
    connection.execute("CREATE TABLE letters (id INTEGER PRIMARY KEY, body TEXT)")
    connection.executemany("INSERT INTO letters VALUES (?, ?)", [(n, "word " * 13_000) for n in range(600)])
    connection.commit()
    connection.close()
    monkeypatch.setattr(discover, "MOST", 2**20)
    said = json.loads(run(silo, "--discover", "silo", "letters", "--json", environ=URL)[1])
    assert 0 < said["notes"]["letters"]["sampled"] < 600
    assert said["datasets"]["letters"]["columns"]["body"] == {"privacy": "drop"}


def test_a_page_is_no_larger_than_a_seconds_rows(silo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = silo / "datasets.yaml"
    path.write_text(path.read_text().replace("100000", "20"))
    slept: list[float] = []
    clock = iter(range(1000))
    monkeypatch.setattr("extractors.discover.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("extractors.discover.time.sleep", slept.append)
    _, text, _ = run(silo, "--discover", "silo", "--json", environ=URL)
    assert json.loads(text)["notes"]["repair-jobs"]["sampled"] == 20


# --- names ------------------------------------------------------------------------------------------------------------

NAMES = [
    (["dbo.REPAIR_JOBS", "dbo.Tenants"], ["repair-jobs", "tenants"]),
    (["a.jobs", "b.jobs"], ["a-jobs", "b-jobs"]),
    (["2024"], ["t-2024"]),
    (["таблица", "表"], ["table", "table-2"]),
    (["CouncilTaxAccount"], ["council-tax-account"]),
]


@pytest.mark.parametrize(("tables", "names"), NAMES)
def test_a_dataset_is_named_after_its_table(tables: list[str], names: list[str]) -> None:
    assert list(dataset_names(tables).values()) == names


anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip()) and "${" not in text
)


@given(
    table=anything, columns=st.lists(st.tuples(anything, st.sampled_from(["int", "nvarchar(50)", "sql_variant"])),
                                     min_size=1, max_size=6, unique_by=lambda pair: pair[0]),
    comment=st.text(max_size=20), has_key=st.booleans(),
)  # fmt: skip
def test_whatever_a_source_calls_its_things_the_draft_is_accepted(
    tmp_path_factory: pytest.TempPathFactory, table: str, columns: list[tuple[str, str]], comment: str, has_key: bool
) -> None:
    readable = [name for name, kind in columns if kind != "sql_variant"]
    key = tuple(readable[:1]) if has_key else ()
    comments = {columns[0][0]: comment}
    made = draft(Table(table, dict(columns), DIALECTS["tsql"], key, 7, comments), dataset_names([table])[table])
    text = draft_yaml.written(Head({}, "silo", {"url": "mssql://silo/x"}), [made])
    loaded = loads(tmp_path_factory.getbasetemp(), text)
    assert loaded.names == (dataset_names([table])[table],) * bool(key)
    if key:
        (only,) = loaded.names
        assert loaded.spec.datasets[only].table == table
        assert set(loaded.spec.datasets[only].columns) == set(readable)


CURSORS = [
    ({"LAST_MOD": "datetime2(3)"}, "LAST_MOD", "15m"),
    ({"lastupd": "datetime2(3)"}, "lastupd", "15m"),
    ({"CREATED_AT": "datetime", "UPDATED_AT": "datetime"}, "UPDATED_AT", "15m"),
    ({"STATUS_CHANGED_ON": "datetime", "LastModified": "datetimeoffset(7)"}, "LastModified", "15m"),
    ({"MODIFIED_BY": "datetime"}, "", ""),
    ({"CHANGED_ON": "date"}, "CHANGED_ON", "1d"),
    ({"ROWVERSION": "timestamp"}, "", ""),
    ({"CREATED_AT": "datetime"}, "", ""),
    ({"UPDATED_AT": "nvarchar(30)"}, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("largest", "kind"), [(2**63 - 1, "int64"), (2**63, "decimal(20,0)")])
def test_an_unsigned_key_is_a_whole_number_as_long_as_it_fits(largest: int, kind: str) -> None:
    columns = {"id": "bigint(20) unsigned", "n": "bigint(20) unsigned"}
    sample = {"id": [*range(9), largest], "n": list(range(10))}
    made = draft(Table("T", columns, DIALECTS["mysql"], ("id",), sample=sample), "t")
    assert [line.settings["type"] for line in made.columns] == [kind, "decimal(20,0)"]


@pytest.mark.parametrize(("columns", "cursor", "lag"), CURSORS)
def test_a_cursor_says_when_a_row_was_last_changed(columns: dict[str, str], cursor: str, lag: str) -> None:
    made = draft(Table("T", {"ID": "int", **columns}, DIALECTS["tsql"], ("ID",)), "t")
    assert (made.cursor.column, made.cursor.lag) == (cursor, lag)


MOMENTS: list[tuple[list[Raw], str]] = [
    (["2024-01-31 09:30:00", "2024-01-31 09:30:00.250"], "LAST_MOD"), (["2024-01-31T09:30"], "LAST_MOD"),
    ([1706693400, 1706693401], "LAST_MOD"), ([20240131093000, None], "LAST_MOD"),
    (["2024-01-31T09:30", "2024-01-31 09:30"], ""),
    ([7, 8], ""), (["31/01/2024 09:30"], ""), (["2024-13-45 09:30:00"], ""), ([1706693400, "2024-01-31 09:30:00"], ""),
    (["2024-01-31 09:30:00+01:00"], ""), ([170669340, 1706693400], ""), ([], ""), ([None], ""),
]  # fmt: skip


@pytest.mark.parametrize(("values", "cursor"), MOMENTS)
def test_sqlites_cursor_is_judged_by_its_values(values: list[Raw], cursor: str) -> None:
    columns = {"ID": "INTEGER", "LAST_MOD": ""}
    table = Table("T", columns, DIALECTS["sqlite"], ("ID",), sample={"LAST_MOD": values, "ID": range(len(values))})
    assert draft(table, "t").cursor.column == cursor
