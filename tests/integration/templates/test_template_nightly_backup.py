"""``nightly_backup`` of a real Postgres that wants a password: whole dumps although runners are killed, and no secret told."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates.held import HeldKiller
from tests.integration.templates.postgres_server import BIN, PASSWORD, Server

JOB = "nightly_backup"
ODD = 'it\'s "odd" $(touch owned)'
ROWS = {"shop": 20_000, ODD: 10, "a": 1, "b": 2_000, "c": 3_000, "d": 0}


def test_every_database_comes_back_whole_although_ten_runners_are_killed(
    backup_airflow: tuple[Embedded, Server], tmp_path: Path
) -> None:
    airflow, server = backup_airflow
    for name, rows in ROWS.items():
        fill(server, name, rows)
    old = tmp_path / f"shop-{hashlib.sha256(b'shop').hexdigest()[:12]}.20010101T000000Z.dump"
    old.touch()
    airflow.api.wait_for_dag(JOB)
    run_id = airflow.api.trigger(JOB, {"host": "127.0.0.1", "port": server.port, "folder": str(tmp_path), "keep": 1})
    killer = HeldKiller(airflow, JOB, run_id)
    assert killer.until_the_end()["state"] == "success"
    assert killer.killed.total() == 10
    check(airflow, server, run_id, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == dumps(airflow, run_id)
    check_that_nothing_tells_the_password(airflow, run_id, airflow.folder / "logs")


def dumps(airflow: Embedded, run_id: str) -> set[str]:
    """The files that a run says it has made."""
    return {told["outcome"]["result"]["file"] for told in outcomes(airflow, run_id)}


def check(airflow: Embedded, server: Server, run_id: str, folder: Path) -> None:
    """Restore each dump by hand, and hold it against what was filled in."""
    assert airflow.api.xcom(JOB, run_id, "report")["state"] == "complete"
    kept = {told["item"]["key"]: told["outcome"]["result"] for told in outcomes(airflow, run_id)}
    assert {name: (told["tables"], told["rows"]) for name, told in kept.items()} == {
        "postgres": (0, 0), **{name: (2, rows) for name, rows in ROWS.items()},
    }  # fmt: skip
    for name, rows in ROWS.items():
        dump = folder / kept[name]["file"]
        assert dump.stat().st_size == kept[name]["bytes"]
        assert restored(server, dump) == str(rows)
    assert not server.psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'verify %'")


def fill(server: Server, name: str, rows: int) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    server.psql("postgres", f"CREATE DATABASE {quoted};")
    server.psql(name, f"""
        CREATE SCHEMA "s p"; CREATE TABLE "s p"."Or'ders" (id int PRIMARY KEY, text text);
        CREATE TABLE empty (); CREATE VIEW seen AS SELECT * FROM "s p"."Or'ders";
        INSERT INTO "s p"."Or'ders" SELECT n, repeat('x', 50) FROM generate_series(1, {rows}) n;""")  # noqa: S608 - a number  # fmt: skip


def outcomes(airflow: Embedded, run_id: str) -> list[dict[str, dict[str, Any]]]:
    stores = [airflow.api.state_store(JOB, run_id, "run", index) for index in range(len(ROWS) + 1)]
    return [{name: value(store[f"mcp.{name}"]) for name in ("item", "outcome")} for store in stores]


def value(stored: object) -> dict[str, object]:
    return json.loads(stored) if isinstance(stored, str) else dict(stored)


def restored(server: Server, dump: Path) -> str:
    """The independent computation: restore a dump by hand, and count."""
    server.psql("postgres", "CREATE DATABASE again")
    where = ["-h", server.host, "-p", str(server.port), "-U", "postgres", "-d", "again"]
    subprocess.run(
        [BIN / "pg_restore", *where, dump], env={**os.environ, "PGPASSFILE": str(server.passfile)}, check=True
    )
    count = server.psql("again", 'SELECT count(*) FROM "s p"."Or\'ders"')
    server.psql("postgres", "DROP DATABASE again")
    return count


def check_that_nothing_tells_the_password(airflow: Embedded, run_id: str, folder: Path) -> None:
    for table in ("xcom", "task_state_store", "serialized_dag", "dag_run", "rendered_task_instance_fields"):
        assert airflow.sql(f"SELECT count(*) FROM {table} WHERE {table}::text LIKE %s", f"%{PASSWORD}%")[0][0] == 0, (  # noqa: S608 - constants
            table
        )
    logs = [path for path in folder.rglob("*.log") if path.is_file()]
    assert any(run_id in str(path) for path in logs)
    assert [path for path in logs if PASSWORD in path.read_text(errors="replace")] == []
