"""A run: what goes in comes out or is set aside, nothing leaves that may not, and only what adds up is committed."""

from __future__ import annotations

import base64
import hmac
import stat
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors import keys, run, spec
from extractors.privacy import pseudonym
from extractors.refused import SchemaDrift, SourceRefused, Unproven
from notation import lake
from notation.problems import ConfigError

from .conftest import HEAD, Council


def test_rows_in_are_rows_out_and_rows_set_aside(council: Council) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO, COST)",
        rows=(
            "INSERT INTO JOBS VALUES (?, ?)",
            [("J1", 100), (None, 200), ("J3", "n/a"), (b"\xff", 400), ("J5", 1.005)],
        ),
    )
    council.declare("JOB_NO: {name: reference}", 'COST: {type: "decimal(12,2)"}')
    done = council.run()
    assert (done.source_rows, done.rows_in, done.rows_out, done.set_aside, done.faults) == (5, 5, 3, 2, 4)
    assert [(row["reference"], row["cost"] if row["cost"] is None else str(row["cost"])) for row in council.rows()] == [
        ("J1", "100.00"), ("J3", None), ("J5", None),
    ]  # fmt: skip
    assert [
        (fault["row"], fault["key"], fault["column"], fault["rule"], fault["value"], fault["set_aside"])
        for fault in council.faults()
    ] == [
        (2, "[null]", "reference", "a key without a value", None, True),
        (3, '["J3"]', "cost", "not a number", "n/a", False),
        (4, "[null]", "reference", "bytes where text is declared", "ff", True),
        (5, '["J5"]', "cost", "more than 2 digits after the point", "1.005", False),
    ]


SECRETS = ("Wilhelmina", "QQ123456C", "0777 900111", "1931-02-30", "tenant-4711")


def test_what_is_dropped_or_not_listed_is_in_no_byte_on_the_disk(council: Council) -> None:
    """Unlisted, dropped, and pseudonyms: also where such a value breaks a rule."""
    council.key()
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT, FORENAME TEXT, NI_NO TEXT, TEL TEXT, DOB TEXT, TENANT TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?, ?, ?, ?)", [("J1", *SECRETS), ("J2", *SECRETS)]),
    )
    council.declare(
        "JOB_NO: {name: reference}", "NI_NO: {privacy: drop}", "TEL: {type: int64, privacy: pseudonym(phone)}",
        "DOB: {type: date, privacy: pseudonym(person)}", "TENANT: {privacy: pseudonym(person)}",
    )  # fmt: skip
    done = council.run()
    council.run()
    assert (done.rows_out, done.faults) == (2, 4)
    assert {(fault["column"], fault["shape"], fault["value"]) for fault in council.faults()} == {
        ("tel", "9999 999999", None), ("dob", "9999-99-99", None),
    }  # fmt: skip
    files = [path for path in (council.home / "data").rglob("*") if path.is_file()]
    whole = b"".join(path.read_bytes() for path in files)
    tables = [pq.ParquetFile(path).read() for path in files if path.suffix == ".parquet"]
    shown = str([table.to_pylist() for table in tables]).encode() + whole
    assert [secret for secret in SECRETS if secret.encode() in shown] == []
    assert (council.home / "keys.toml").read_text().split('"')[1].encode() not in shown


def test_a_pseudonym_is_what_the_contract_says(council: Council) -> None:
    council.key()
    council.silo("CREATE TABLE JOBS (JOB_NO, TENANT)")
    council.silo(rows=("INSERT INTO JOBS VALUES (?, ?)", [("1", "Zoe\u0301  "), ("2", "Zo\u00e9"), ("3", None)]))
    council.declare("JOB_NO: {}", "TENANT: {privacy: pseudonym(person)}")
    council.run()
    secret = bytes.fromhex((council.home / "keys.toml").read_text().split('"')[1])
    digest = hmac.new(secret, b"person\x00" + "Zo\u00e9".encode(), sha256).digest()
    expected = base64.b32encode(digest).decode()[:26]
    assert [row["tenant"] for row in council.rows()] == [expected, expected, None]
    field = lake.open_dataset(council.home, "jobs").schema.field("tenant")
    key = keys.read(council.home / "keys.toml")
    assert field.metadata[b"fig.key"].decode() == key.id
    assert lake.open_dataset(council.home, "jobs").meta["key_id"] == key.id


@given(st.binary(min_size=32, max_size=64), st.text(st.characters(exclude_categories=("Cs",))))
def test_a_pseudonym_is_rfc_4648s_base32(secret: bytes, text: str) -> None:
    digest = hmac.new(secret, b"person\x00" + text.encode(), sha256).digest()
    assert pseudonym(secret, "person", text) == base64.b32encode(digest).decode()[:26]


def test_a_key_may_be_a_pseudonym(council: Council) -> None:
    council.key()
    council.silo(
        "CREATE TABLE JOBS (JOB_NO, V)", "INSERT INTO JOBS VALUES ('A', 'x')", "INSERT INTO JOBS VALUES ('A', 'y')"
    )
    path = council.declare("JOB_NO: {privacy: pseudonym(job)}", "V: {}")
    with pytest.raises(Unproven) as refused:
        council.run()
    assert str(refused.value) == (
        "datasets.yaml:5: the key of dataset 'jobs' (JOB_NO) is not unique: 1 key occurs more than once, "
        "for example … (2 times); nothing was committed\n    name the columns that tell rows apart under key:"
    )
    path.write_text(path.read_text().replace("key: [JOB_NO]", "key: [JOB_NO, V]"))
    assert council.run().rows_out == 2


def test_another_key_is_refused(council: Council) -> None:
    council.key()
    council.silo("CREATE TABLE JOBS (JOB_NO, V)", "INSERT INTO JOBS VALUES ('A', 'x')")
    council.declare("JOB_NO: {privacy: pseudonym(job)}", "V: {}")
    council.run()
    first = keys.read(council.home / "keys.toml").id
    (council.home / "keys.toml").unlink()
    second = keys.create(council.home / "keys.toml").id
    with pytest.raises(ConfigError) as refused:
        council.run()
    assert str(refused.value) == (
        f"datasets.yaml:5: the key in {council.home / 'keys.toml'} is {second}, and the pseudonyms of dataset 'jobs' "
        f"were made with {first}\n    put key {first} back, or move data/lake/jobs away: "
        "pseudonyms of two keys cannot be joined"
    )


HOW = 'a file of mode 0600 with [keys.pseudonyms] and, under it, secret = "64 hexadecimal digits"'
KEYS = [
    ("a missing file", None, 0o600, "{path} does not exist, and a column is a pseudonym\n    make " + HOW),
    ("a file others may read", "x", 0o640,
     "{path} may be read by others than its owner (mode 0640)\n    run: chmod 600 {path}"),
    ("no TOML", "x", 0o600, "{path} is not TOML\n    it is " + HOW),
    ("no key of that name", "[keys.other]\n", 0o600,
     "{path} holds no [keys.pseudonyms] with a secret\n    it is " + HOW),
    ("a short secret", '[keys.pseudonyms]\nsecret = "abc123"\n', 0o600,
     ("keys.toml:2: the secret of [keys.pseudonyms] is not at least 64 hexadecimal digits\n"
     "    make one with: openssl rand -hex 32")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "mode", "told"), [case[1:] for case in KEYS], ids=[case[0] for case in KEYS])
def test_a_key_that_cannot_be_used_says_why(text: str | None, mode: int, told: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(ConfigError) as refused:
        keys.read(path)
    assert str(refused.value) == told.replace("{path}", str(path))


def test_a_key_is_made_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    made = keys.create(tmp_path / "keys.toml")
    assert keys.read(tmp_path / "keys.toml") == made
    assert stat.S_IMODE((tmp_path / "keys.toml").stat().st_mode) == 0o600
    assert "secret" not in repr(made)
    with pytest.raises(FileExistsError):
        keys.create(tmp_path / "keys.toml")


def test_a_key_that_occurs_twice_stops_the_run_and_is_named(council: Council) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT)", rows=("INSERT INTO JOBS VALUES (?)", [("A",), ("B",), ("A",), ("B",)])
    )
    council.declare("JOB_NO: {}")
    with pytest.raises(Unproven) as refused:
        council.run()
    assert str(refused.value) == (
        "datasets.yaml:5: the key of dataset 'jobs' (JOB_NO) is not unique: 2 keys occur more than once, "
        "for example A (2 times), B (2 times); nothing was committed\n"
        "    name the columns that tell rows apart under key:"
    )
    assert lake.names(council.home) == ()


def test_extracting_twice_is_extracting_once(fifty: Council) -> None:
    first = fifty.run()
    rows, files = fifty.rows(), lake.open_dataset(fifty.home, "jobs").files
    second = fifty.run()
    assert (first.version, first.changed, second.version, second.changed) == (0, True, 1, False)
    assert fifty.rows() == rows
    assert lake.open_dataset(fifty.home, "jobs").files == files
    assert [path.name for path in (fifty.home / "data/lake/jobs").glob("*.parquet")] == [files[0].name]


def test_a_new_snapshot_replaces_the_old_which_stays_readable(fifty: Council) -> None:
    fifty.run()
    old = fifty.rows()
    fifty.silo("DELETE FROM JOBS WHERE JOB_NO < 'J010'", "UPDATE JOBS SET COST = COST + 1 WHERE JOB_NO = 'J042'")
    done = fifty.run()
    assert (done.version, done.changed, done.rows_out) == (1, True, 40)
    assert len(fifty.rows()) == 40
    assert fifty.rows(version=0) == old
    assert [version.meta["rows_out"] for version in lake.history(fifty.home, "jobs")] == [40, 50]


def test_the_commit_tells_how_it_came_about(fifty: Council) -> None:
    done = fifty.run()
    meta = lake.open_dataset(fifty.home, "jobs").meta
    assert meta["run"] == done.run
    assert [meta[name] for name in ("source_rows", "rows_in", "rows_out", "set_aside", "faults")] == [50, 50, 50, 0, 0]
    assert (meta["source"], meta["table"], meta["key"]) == ("silo", "JOBS", ["reference"])


def test_a_changed_declaration_changes_the_schema(fifty: Council) -> None:
    fifty.run()
    fifty.declare(
        "JOB_NO: {name: reference}", "COST: {name: pence, type: int64}", "WARD: {type: string, description: Where}"
    )
    fifty.run()
    snapshot = lake.open_dataset(fifty.home, "jobs")
    assert [(field.name, field.type) for field in snapshot.schema] == [
        ("reference", pa.string()), ("pence", pa.int64()), ("ward", pa.string()),
    ]  # fmt: skip
    assert snapshot.schema.field("ward").metadata[b"comment"] == b"Where"
    assert [field.name for field in lake.open_dataset(fifty.home, "jobs", 0).schema] == ["reference", "ward", "cost"]


def test_times_without_a_zone_may_come_later(fifty: Council) -> None:
    """Delta counts them as a feature of the table, which the commit that brings them must declare."""
    fifty.run()
    fifty.silo("ALTER TABLE JOBS ADD COLUMN SEEN TEXT DEFAULT '2024-01-31 09:30:00'")
    fifty.declare("JOB_NO: {name: reference}", "SEEN: {type: timestamp}")
    fifty.run()
    assert str(fifty.rows()[0]["seen"]) == "2024-01-31 09:30:00"


def test_a_column_that_is_gone_stops_the_run(fifty: Council) -> None:
    fifty.run()
    fifty.silo("ALTER TABLE JOBS RENAME COLUMN WARD TO WARD_CD")
    with pytest.raises(SchemaDrift) as drift:
        fifty.run()
    assert str(drift.value) == (
        "datasets.yaml:13: dataset 'jobs' lists column 'WARD', which JOBS no longer has\n"
        "    remove or rename the line; columns of the source: JOB_NO, WARD_CD, COST. Did you mean 'WARD_CD'?"
    )
    assert len(lake.history(fifty.home, "jobs")) == 1


def test_a_column_that_never_was_stops_the_run(fifty: Council) -> None:
    fifty.declare("JOB_NO: {}", "WRAD: {}")
    with pytest.raises(SchemaDrift) as drift:
        fifty.run()
    assert str(drift.value) == (
        "datasets.yaml:13: dataset 'jobs' lists column 'WRAD', which JOBS does not have\n"
        "    remove or rename the line; columns of the source: JOB_NO, WARD, COST. Did you mean 'WARD'?"
    )


def test_a_column_of_another_type_stops_the_run_until_someone_looked(fifty: Council) -> None:
    fifty.run()
    fifty.silo(
        "DROP TABLE JOBS",
        "CREATE TABLE JOBS (JOB_NO TEXT, WARD TEXT, COST TEXT)",
        "INSERT INTO JOBS VALUES ('J1', 'W', '12')",
    )
    with pytest.raises(SchemaDrift) as drift:
        fifty.run()
    assert str(drift.value) == (
        "datasets.yaml:14: column 'COST' of JOBS was INTEGER and is now TEXT\n"
        "    change the line, or keep it (type: decimal(12,2)) with: fig extract jobs --full"
    )
    assert fifty.run(full=True).rows_out == 1
    assert fifty.run().changed is False


def test_a_changed_line_counts_as_looked_at(fifty: Council) -> None:
    fifty.run()
    fifty.silo(
        "DROP TABLE JOBS",
        "CREATE TABLE JOBS (JOB_NO TEXT, WARD TEXT, COST TEXT)",
        "INSERT INTO JOBS VALUES ('J1', 'W', '12')",
    )
    fifty.declare("JOB_NO: {name: reference}", "WARD: {}", 'COST: {type: "decimal(12,2)"}')
    assert fifty.run().rows_out == 1


def test_a_new_column_is_reported_and_not_read(fifty: Council) -> None:
    fifty.silo("ALTER TABLE JOBS ADD COLUMN UNLISTED TEXT")
    assert fifty.run().new_columns == ()
    fifty.silo("ALTER TABLE JOBS ADD COLUMN TENANT_NAME TEXT DEFAULT 'Wilhelmina'")
    assert fifty.run().new_columns == ("TENANT_NAME",)
    assert fifty.run().new_columns == ()
    assert list(fifty.rows()[0]) == ["reference", "ward", "cost"]


def test_names_know_no_case_unless_they_must(council: Council) -> None:
    council.silo("CREATE TABLE JOBS (job_no TEXT, Ward TEXT)", "INSERT INTO JOBS VALUES ('J1', 'W')")
    council.declare("JOB_NO: {}", "WARD: {}")
    council.run()
    assert council.rows() == [{"job_no": "J1", "ward": "W"}]


def test_odd_names_are_quoted(council: Council) -> None:
    council.silo('CREATE TABLE "JO""BS; --" ("JOB_NO" TEXT, "select" TEXT, "a ""b"" c" TEXT)')
    council.silo("""INSERT INTO "JO""BS; --" VALUES ('1', '2', '3')""")
    council.declare(
        "JOB_NO: {}",
        "select: {}",
        """'a "b" c': {name: abc}""",
        head=HEAD.replace("table: JOBS", """table: 'JO"BS; --'"""),
    )
    council.run()
    assert council.rows() == [{"job_no": "1", "select": "2", "abc": "3"}]


def test_a_view_can_be_read(fifty: Council) -> None:
    fifty.silo("CREATE VIEW OPEN_JOBS AS SELECT * FROM JOBS WHERE COST > 2500")
    path = fifty.home / "datasets.yaml"
    path.write_text(path.read_text().replace("table: JOBS", "table: OPEN_JOBS"))
    assert fifty.run().rows_out == 25


def test_rows_that_go_missing_on_the_way_stop_the_run(fifty: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that counts one thing and hands over another: simulated by miscounting."""
    from extractors.sources.sqlite import SqliteReading

    monkeypatch.setattr(SqliteReading, "count", lambda self, table: 51)
    with pytest.raises(
        Unproven, match=r"^dataset 'jobs': the source counts 51 rows, 50 rows were read; nothing was committed$"
    ):
        fifty.run()
    assert lake.names(fifty.home) == ()


def test_only_the_owner_may_read_the_lake(fifty: Council) -> None:
    fifty.run()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (fifty.home / "data").rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (fifty.home / "data").rglob("*") if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_home_with_blanks_and_accents_is_a_home(fifty: Council) -> None:
    odd = fifty.home / "Größe of % data"
    odd.mkdir()
    for name in ("silo.db", "datasets.yaml"):
        (fifty.home / name).rename(odd / name)
    there = Council(odd)
    there.run()
    there.silo("DELETE FROM JOBS WHERE JOB_NO = 'J001'")
    there.run()
    assert (len(there.rows()), len(there.rows(version=0))) == (49, 50)


def test_the_steps_are_the_visible_list(fifty: Council) -> None:
    done = fifty.run()
    assert tuple(dict.fromkeys(fifty.steps)) == run.STEPS[done.mode] == run.STEPS["whole"]


def test_a_source_that_is_not_there_is_refused(council: Council) -> None:
    council.declare("JOB_NO: {}")
    with pytest.raises(SourceRefused) as refused:
        council.run()
    assert str(refused.value) == f"source 'silo': there is no file {council.home / 'silo.db'}"


def test_a_file_that_is_no_database_is_refused(council: Council) -> None:
    (council.home / "silo.db").write_text("not a database, but long enough to be read as the head of one" * 40)
    council.declare("JOB_NO: {}")
    with pytest.raises(SourceRefused) as refused:
        council.run()
    assert str(refused.value) == (
        f"source 'silo': SQLite cannot read {council.home / 'silo.db'}: file is not a database. "
        "Is it a SQLite file? One that is encrypted looks like this too"
    )


def test_a_table_that_is_not_there_lists_those_that_are(council: Council) -> None:
    council.silo("CREATE TABLE REPAIRS (A)", "CREATE VIEW WARDS AS SELECT 1 AS A")
    council.declare("JOB_NO: {}")
    with pytest.raises(SourceRefused) as refused:
        council.run()
    assert str(refused.value) == "source 'silo': there is no table or view 'JOBS'. There are: REPAIRS, WARDS"


def test_a_run_reads_one_moment_of_a_source_that_is_written_to(fifty: Council) -> None:
    """The count and the rows come from one snapshot: what is committed in between belongs to the next run."""
    fifty.silo("PRAGMA journal_mode = WAL")

    def told(step: run.Step) -> None:
        if step.done == "compared":
            fifty.silo("INSERT INTO JOBS VALUES ('J999', 'W', 1)")

    loaded = spec.load(fifty.home / "datasets.yaml", {})
    done = run.extract(loaded.dataset("jobs"), fifty.home, loaded.keys_file, told)
    assert (done.source_rows, done.rows_out) == (50, 50)
    assert fifty.run().rows_out == 51


def test_the_source_is_never_written_to(fifty: Council) -> None:
    before = (fifty.home / "silo.db").read_bytes()
    fifty.run()
    assert (fifty.home / "silo.db").read_bytes() == before
