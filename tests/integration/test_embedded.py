"""The embedded Airflow: it runs DAGs, survives what tests do to it, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg2
import pytest

from airflow_mcp_provider.embedded import reaper
from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.errors import InstallationError
from tests.sizes import patient

DAGS = Path(__file__).parent / "dags"


def total(airflow):
    airflow.api.wait_for_dag("squares")
    run_id = airflow.api.trigger("squares")
    assert airflow.api.wait("squares", run_id)["state"] == "success"
    assert len(airflow.api.task_instances("squares", run_id)) == 7
    return airflow.api.xcom("squares", run_id, "total")


def test_a_dag_runs_on_postgres(airflow_pg):
    assert total(airflow_pg) == 30
    assert airflow_pg.api.import_errors() == []
    assert airflow_pg.sql("SELECT count(*) FROM dag WHERE dag_id = %s", "squares") == [(1,)]


def test_our_plugin_is_loaded_without_any_setting(airflow_pg):
    plugins = airflow_pg.api.get("/plugins")["plugins"]
    assert "mcp" in [plugin["name"] for plugin in plugins]


def test_a_server_that_is_killed_starts_again_at_its_address(airflow_pg):
    airflow_pg.kill("api-server-1")
    assert not airflow_pg.api.alive()
    airflow_pg.start("api-server-1")
    assert total(airflow_pg) == 30


def test_a_database_that_is_restarted_has_what_was_committed(tmp_path):
    airflow = Embedded(home=tmp_path)  # its other processes are not started
    airflow.processes.watch()
    try:
        airflow._database.start(airflow.processes, airflow.environment())
        airflow.sql("CREATE TABLE kept AS SELECT 1 AS one")
        before = airflow.sql("SELECT pg_postmaster_start_time()")
        airflow.restart_database()
        assert airflow.sql("SELECT one FROM kept") == [(1,)]
        assert airflow.sql("SELECT pg_postmaster_start_time()") > before
    finally:
        airflow.close()


def test_a_query_whose_connection_is_lost_says_so(airflow_pg):
    with pytest.raises(psycopg2.OperationalError, match=r"closed the connection|terminating connection"):
        airflow_pg.sql("SELECT pg_terminate_backend(pg_backend_pid())")


def test_only_this_user_may_read_the_password(airflow_pg):
    file = airflow_pg.folder / "simple_auth_manager_passwords.json.generated"
    assert json.loads(file.read_text()) == {"admin": airflow_pg.password}
    assert file.stat().st_mode & 0o077 == 0
    answer = httpx.get(f"{airflow_pg.url}/api/v2/dags", timeout=patient(60))
    assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_a_dag_runs_on_sqlite_and_nothing_stays(start_airflow, tmp_path):
    airflow = start_airflow(database="sqlite", home=tmp_path)
    assert total(airflow) == 30
    assert airflow.sql("SELECT count(*) FROM dag WHERE dag_id = %s", "squares") == [(1,)]
    airflow.close()
    assert reaper.marked(str(tmp_path)) == []
    assert (tmp_path / "logs" / "scheduler-1.log").exists(), "a home that was given is kept"


def test_a_start_that_fails_says_why_and_leaves_nothing(tmp_path):
    with (
        pytest.raises(InstallationError, match=r"(?s)api-server-1 exited with code .*no_such_module"),
        Embedded(home=tmp_path, env={"AIRFLOW__CORE__AUTH_MANAGER": "no_such_module.Manager"}),
    ):
        pass
    assert reaper.marked(str(tmp_path)) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_owner_ends_everything_also_in_the_middle_of_the_start(number, tmp_path):
    code = (
        "import signal, sys; from pathlib import Path; from airflow_mcp_provider.embedded.airflow import Embedded\n"
        "airflow = Embedded(home=Path(sys.argv[1])); print(airflow.processes.folders[0], flush=True)\n"
        "airflow.__enter__()\nsignal.pause()"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    folder = Path(owner.stdout.readline().decode().strip())
    assert soon(lambda: {"database", "scheduler-1"} <= {reaper.mark(one)[1] for one in reaper.marked(str(tmp_path))})
    assert (folder / "data").is_dir()
    os.kill(owner.pid, number)
    assert owner.wait(timeout=patient(10)) == -number
    assert soon(lambda: not reaper.marked(str(tmp_path)) and not folder.exists())


def soon(what):
    until = time.monotonic() + patient(60)
    while not (true := what()) and time.monotonic() < until:
        time.sleep(0.1)
    return true
