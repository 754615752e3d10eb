"""The contenders: each takes one table out of one silo into Parquet files, in a process of its own.

`python -m scripts.benches.extract_peers NAME TASK.json RESULT.json`. Nothing but the standard library is imported
before a contender's own function runs, so the peers' environment needs nothing of ours.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Work = Callable[[], Sequence[str]]  # does it, and gives the files it wrote


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be taken, and where to: `folder` is empty, except for a run that follows another."""

    silo: str
    url: str
    table: str
    folder: str
    dump: tuple[str, ...] = ()  # the silo's own program, for the limit

    @property
    def out(self) -> Path:
        return Path(self.folder)

    @property
    def file(self) -> str:
        """Of SQLite."""
        return self.url.removeprefix("sqlite:///")


@dataclass(frozen=True, slots=True)
class Done:
    """Of the work alone, without the imports before it; but the memory of all of the process."""

    seconds: float
    cpu: float
    peak: int  # bytes
    files: tuple[str, ...]
    said: Mapping[str, object]


def _limit(task: Task) -> Work:
    """Every row to nowhere: what the silo and its own program can do."""

    def dump() -> Sequence[str]:
        subprocess.run(task.dump, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return ()

    def fetch() -> Sequence[str]:
        import sqlite3

        cursor = sqlite3.connect(f"file:{task.file}?mode=ro", uri=True).execute(f"SELECT * FROM {task.table}")
        while cursor.fetchmany(4096):
            pass
        return ()

    return dump if task.dump else fetch


def _ours(task: Task) -> Work:
    """`fig extract`, from the file it reads to the commit: types, faults, key, privacy, count."""
    import importlib

    from extractors import spec
    from extractors.run import extract
    from notation import lake

    source = {"postgres": "postgres", "mariadb": "mysql", "sqlite": "sqlite"}[task.silo]
    for module in ("deltalake", "duckdb", "pyarrow.parquet", f"extractors.sources.{source}"):
        importlib.import_module(module)  # before the clock starts, as the others' are
    name = task.table.replace("_", "-")

    def work() -> Sequence[str]:
        loaded = spec.load(task.out / "datasets.yaml", {})
        missing = loaded.not_acted_on([name])
        if missing:
            raise SystemExit(f"not acted on yet: {missing[0].what}")
        done = extract(loaded.dataset(name), task.out, loaded.keys_file, lambda _: None)
        SAID.update(done.as_json())
        return [str(file) for file in lake.open_dataset(task.out, name).files]

    return work


def _connectorx(task: Task) -> Work:
    import connectorx
    import pyarrow.parquet as pq

    def work() -> Sequence[str]:
        query = f"SELECT * FROM {task.table}"
        reader: Any = connectorx.read_sql(_connectorx_url(task), query, return_type="arrow_stream", batch_size=65_536)
        target = task.out / "all.parquet"
        with pq.ParquetWriter(target, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        return [str(target)]

    return work


def _connectorx_url(task: Task) -> str:
    return f"sqlite://{task.file}" if task.silo == "sqlite" else task.url


def _duckdb(task: Task) -> Work:
    import duckdb

    kind = {"postgres": "postgres", "sqlite": "sqlite"}[task.silo]
    package = __import__(f"duckdb_extension_{kind}_scanner")
    extensions = Path(package.__file__ or "").parent / "extensions" / f"v{duckdb.__version__}"

    def work() -> Sequence[str]:
        target = task.out / "all.parquet"
        with duckdb.connect() as duck:
            duck.load_extension(str(extensions / f"{kind}_scanner.duckdb_extension"))
            at = task.file if kind == "sqlite" else task.url
            duck.execute(f"ATTACH '{at}' AS silo (TYPE {kind}, READ_ONLY)")
            duck.execute(f"COPY (FROM silo.{task.table}) TO '{target}' (FORMAT parquet)")
        return [str(target)]

    return work


def _pandas(task: Task) -> Work:
    import pandas
    import sqlalchemy  # type: ignore[import-not-found,unused-ignore]

    def work() -> Sequence[str]:
        files = []
        engine = sqlalchemy.create_engine(_sqlalchemy_url(task))
        with engine.connect().execution_options(stream_results=True) as session:
            query = sqlalchemy.text(f"SELECT * FROM {task.table}")
            for number, frame in enumerate(pandas.read_sql(query, session, chunksize=50_000)):
                files.append(str(task.out / f"{number:05}.parquet"))
                frame.to_parquet(files[-1], index=False)
        return files

    return work


def _sqlalchemy_url(task: Task) -> str:
    scheme = {"postgres": "postgresql+psycopg2", "mariadb": "mysql+pymysql"}.get(task.silo)
    return f"{scheme}://{task.url.partition('://')[2]}" if scheme else f"sqlite:///{task.file}"


def _dlt(backend: str, **more: Any) -> Callable[[Task], Work]:
    def contender(task: Task) -> Work:
        os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
        os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
        import dlt  # type: ignore[import-not-found,unused-ignore]
        from dlt.sources.sql_database import sql_table  # type: ignore[import-not-found,unused-ignore]

        kwargs = dict(more)
        if backend == "connectorx":
            kwargs["backend_kwargs"] = {**kwargs.get("backend_kwargs", {}), "conn": _connectorx_url(task)}

        def work() -> Sequence[str]:
            pipeline = dlt.pipeline(
                "bench", pipelines_dir=str(task.out / "pipelines"), dataset_name="taken",
                destination=dlt.destinations.filesystem(bucket_url=f"file://{task.out}/lake"),
            )  # fmt: skip
            resource = sql_table(_sqlalchemy_url(task), table=task.table, backend=backend, **kwargs)
            pipeline.run(resource, loader_file_format="parquet").raise_on_failed_jobs()
            return sorted(map(str, (task.out / "lake" / "taken" / task.table).glob("*.parquet")))

        return work

    return contender


@dataclass(frozen=True, slots=True)
class Contender:
    """`is_peer`: it runs in the peers' environment. `silos`: those it can read."""

    name: str
    how: str
    prepare: Callable[[Task], Work]
    is_peer: bool = False
    silos: tuple[str, ...] = ("postgres", "mariadb", "sqlite")


# One more contender is one more line. The first is the limit, the second is ours.
CONTENDERS = (
    Contender("limit", "every row to nowhere: psql's binary COPY, mariadb-dump, sqlite3's fetchmany", _limit),
    Contender("ours", "`fig extract`: every check on, to the commit", _ours),
    Contender("connectorx", "arrow_stream, written by pyarrow", _connectorx),
    Contender("duckdb", "its scanner, `COPY … TO` Parquet", _duckdb, silos=("postgres", "sqlite")),
    Contender("pandas", "read_sql in chunks, to_parquet", _pandas, is_peer=True),
    Contender("dlt-connectorx", "dlt, backend connectorx, as a whole", _dlt("connectorx"), is_peer=True),
    Contender(
        "dlt-stream", "dlt, backend connectorx, as a stream",
        _dlt("connectorx", backend_kwargs={"return_type": "arrow_stream"}), is_peer=True,
    ),
    Contender("dlt-pyarrow", "dlt, backend pyarrow", _dlt("pyarrow"), is_peer=True),
    Contender("dlt", "dlt, its default backend (sqlalchemy)", _dlt("sqlalchemy"), is_peer=True),
)  # fmt: skip
SAID: dict[str, object] = {}  # what a contender says of its own run


def _peak() -> int:
    """VmHWM, not getrusage's: that one begins with what the parent had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def main(name: str, task_file: str, result_file: str) -> None:
    given = json.loads(Path(task_file).read_text())
    task = Task(**{**given, "dump": tuple(given["dump"])})
    work = next(each for each in CONTENDERS if each.name == name).prepare(task)
    began, before = time.perf_counter(), os.times()
    files = work()
    seconds, after = time.perf_counter() - began, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    done = Done(round(seconds, 3), round(cpu, 2), _peak(), tuple(files), SAID)
    Path(result_file).write_text(json.dumps(asdict(done)))


if __name__ == "__main__":
    main(*sys.argv[1:])
