"""A column whose privacy rule becomes stricter: what older versions hold in the clear is said, and stops the run."""

from __future__ import annotations

import shutil

import pytest

from extractors.query import QueryRefused, ask
from notation.problems import ConfigError
from tests.extractors.conftest import Council


@pytest.mark.parametrize(
    ("rule", "now"),
    [("{privacy: drop}", "dropped"), ("{name: tenant, privacy: pseudonym(person)}", "a pseudonym")],
)
def test_a_stricter_rule_waits_until_the_older_versions_are_gone(council: Council, rule: str, now: str) -> None:
    council.key()
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT, TENANT TEXT)",
        "INSERT INTO JOBS VALUES ('1', 'LEAKME')",
    )
    council.declare("JOB_NO: {name: reference}", "TENANT: {name: tenant}")
    council.run()
    council.silo("INSERT INTO JOBS VALUES ('2', 'LEAKME')")
    council.run()
    council.declare("JOB_NO: {name: reference}", f"TENANT: {rule}")
    with pytest.raises(ConfigError) as raised:
        council.run()
    assert str(raised.value) == (
        f"datasets.yaml:13: column TENANT is {now} now, but versions 0 to 1 of 'jobs' in data/lake still hold it in the"
        " clear\n    remove the folder data/lake/jobs, its older versions with it, and extract again"
    )
    shutil.rmtree(council.home / "data" / "lake" / "jobs")
    council.run()
    council.run()
    held = b"".join(file.read_bytes() for file in (council.home / "data").rglob("*") if file.is_file())
    assert b"LEAKME" not in held


CHANGES = [  # as it was, as it is now, what is said of the older version; "" if nothing is
    ("{privacy: month}", "{privacy: year}", "a year now, but version 0 of 'jobs' in data/lake still holds it as month"),
    ("{privacy: year}", "{privacy: month}", ""),
    ("{privacy: year}", "{type: date}", ""),
    ("{privacy: year}", "{privacy: drop}", "dropped now, but version 0 of 'jobs' in data/lake still holds it as year"),
    ("{privacy: pseudonym(person)}", "{privacy: year}",
     "a year now, but version 0 of 'jobs' in data/lake still holds it as pseudonym(person)"),
    ("{privacy: pseudonym(person)}", "{privacy: pseudonym(thing)}",
     "a pseudonym now, but version 0 of 'jobs' in data/lake still holds it as pseudonym(person)"),
    ("{privacy: band(10)}", "{privacy: band(20)}",
     "a band now, but version 0 of 'jobs' in data/lake still holds it as band(10)"),
    ("{privacy: band(20)}", "{privacy: band(10)}", ""),
    ("{privacy: band(20)}", "{privacy: band(30)}",
     "a band now, but version 0 of 'jobs' in data/lake still holds it as band(20)"),
    ("{privacy: mask}", "{privacy: outcode}",
     "an outcode now, but version 0 of 'jobs' in data/lake still holds it as mask"),
    ("{}", "{privacy: mask}", "a mask now, but version 0 of 'jobs' in data/lake still holds it in the clear"),
    ("{privacy: mask}", "{}", ""),
]  # fmt: skip


@pytest.mark.parametrize(("was", "now", "said"), CHANGES, ids=[f"{was} to {now}" for was, now, _ in CHANGES])
def test_a_version_that_tells_more_than_the_new_rule_is_named(council: Council, was: str, now: str, said: str) -> None:
    council.key()
    council.silo("CREATE TABLE JOBS (JOB_NO TEXT, V TEXT)", "INSERT INTO JOBS VALUES ('1', '20240131')")
    council.declare("JOB_NO: {}", f"V: {was}")
    council.run()
    council.declare("JOB_NO: {}", f"V: {now}")
    if not said:
        assert council.run().rows_out == 1
        return
    with pytest.raises(ConfigError) as raised:
        council.run()
    assert str(raised.value).split("\n")[0] == f"datasets.yaml:13: column V is {said}"


def test_one_column_of_the_source_cannot_be_kept_by_one_line_and_dropped_by_another(council: Council) -> None:
    council.silo("CREATE TABLE JOBS (JOB_NO TEXT, S TEXT)", "INSERT INTO JOBS VALUES ('1', 'LEAKME')")
    council.declare("JOB_NO: {name: reference}", "S: {privacy: drop}", "s: {name: ess}")
    with pytest.raises(ConfigError) as raised:
        council.run()
    assert str(raised.value) == (
        "datasets.yaml:14: 's' and 'S' (datasets.yaml:13) are one column of the source, S\n"
        "    keep one of the two lines"
    )
    assert not list((council.home / "data").rglob("*.parquet"))


def test_an_answer_with_two_columns_of_one_name_is_refused(council: Council) -> None:
    with pytest.raises(QueryRefused, match=r"^two columns of the answer are called 'a'; name them with AS$"):
        ask(council.home, "SELECT 1 AS a, 2 AS a")
