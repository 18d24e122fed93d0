"""The examples of ``dags/schedules``: valid jobs of every kind, DAGs that do not run by themselves, and their functions."""

import importlib.util
import os
import subprocess
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from schedules import inbox, site

from airflow_mcp_provider.runtime import Outcome
from airflow_mcp_provider.runtime.reference import resolve
from airflow_mcp_provider.spec import PythonWork, load_job

DAGS = Path(__file__).parents[3] / "dags"
SPECS = {path.stem: load_job(path) for path in sorted((DAGS / "schedules").rglob("*.yaml"))}


def test_there_is_one_for_each_kind_of_schedule():
    kinds = {spec.schedule.kind: name for name, spec in SPECS.items()}
    assert set(kinds) == {"cron", "every", "at", "after", "watch"}
    assert {form for spec in SPECS.values() if (watch := spec.schedule.watch) for form in watch.check} == {
        "python",
        "queue",
        "args",
    }


@pytest.mark.parametrize("name", SPECS)
def test_it_is_described_and_its_functions_are_there(name):
    spec = SPECS[name]
    assert spec.description
    assert "schedule" in spec.tags
    watch = spec.schedule.watch
    for path in [
        *(work.python for work in (spec.plan, spec.run, spec.report) if isinstance(work, PythonWork)),
        watch and watch.python,
    ]:
        assert path is None or resolve(path)


def test_the_dags_are_paused_when_they_are_created():
    """The demo and the tests that use this folder have other runs in mind."""
    found = importlib.util.spec_from_file_location("scheduled_of_test", DAGS / "scheduled.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert set(module.dags) == set(SPECS), "uploads, too: the providers of its queue are installed for the tests"
    assert all(dag.is_paused_upon_creation for dag in module.dags.values())


def test_the_one_date_is_far_away():
    assert SPECS["close_year"].schedule.at > datetime(2090, 1, 1, tzinfo=UTC)


def outcome(key, result):
    return Outcome(key, {}, None, 0, "success" if result else "failed", 1, None, None, result=result)


def test_a_file_in_the_inbox_is_work_until_it_is_done(tmp_path, monkeypatch):
    monkeypatch.setenv("INBOX", str(tmp_path / "in"))
    assert inbox.waiting() is None
    params = {"folder": str(tmp_path / "in")}
    assert inbox.plan(params) == []
    (tmp_path / "in").mkdir()
    assert inbox.waiting() is None
    (tmp_path / "in" / "b").write_text("one two")
    (tmp_path / "in" / "a").write_text("three")
    assert inbox.waiting() == params
    subtasks = inbox.plan(params)
    assert subtasks == [{"file": "a"}, {"file": "b"}]
    assert [inbox.count(subtask, params)["words"] for subtask in subtasks] == [1, 2]
    assert inbox.count(subtasks[1], params) == {"words": 2}  # a second attempt
    assert inbox.waiting() is None
    assert inbox.total([outcome("a", {"words": 1}), outcome("b", {"words": 2}), outcome("c", None)]) == {
        "files": 2,
        "words": 3,
    }


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404 if "missing" in self.path else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_sites_are_asked():
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert site.ask({"url": url})["status"] == 200
        assert site.ask({"url": f"{url}missing"})["status"] == 404
        server.shutdown()
    with pytest.raises(OSError, match="refused"):
        site.ask({"url": url})
    with pytest.raises(ValueError, match="unsupported address"):
        site.ask({"url": "file:///etc/passwd"})
    assert site.plan({"urls": [url]}) == [{"url": url}]
    answers = [outcome("a", {"status": 200}), outcome("b", {"status": 500}), outcome("c", None)]
    assert site.summary(answers) == {"asked": 3, "bad": ["b", "c"]}


def test_the_shell_of_clean_up_deletes_old_files_only(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new file"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    env = {
        **os.environ,
        "MCP_PARAM_FOLDER": str(tmp_path),
        "MCP_PARAM_DAYS": "14",
        "MCP_RESULT": str(tmp_path.with_suffix(".json")),
    }
    subprocess.run(["/bin/sh", "-c", SPECS["clean_up"].run.shell], env=env, check=True)
    assert not old.exists()
    assert new.exists()
    assert tmp_path.with_suffix(".json").read_text() == '{"deleted": 1}'


def test_the_shell_of_uploads_measures_the_message():
    env = {**os.environ, "MCP_PARAMS": "5 ü", "MCP_PARAM_MESSAGE": "5 ü"}
    done = subprocess.run(
        ["/bin/sh", "-c", SPECS["uploads"].run.shell], env=env, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "4"
