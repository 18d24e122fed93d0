"""Commands in any language as the work, and Python code that calls from odd places."""

import sys
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.forest import record as notes
from tests.integration.growth.runs import Ended, does, trigger
from tests.integration.growth.waiting import until


def sh(node: str, script: str, **more: object) -> dict[str, object]:
    """A payload of the job ``shell``: its script."""
    return {"node": node, "script": script, **more}


CHILD = '{"node": "%s", "script": "echo 1"}'
PYTHON_CHILD = """
import os, subprocess, sys
code = '''from airflow_mcp_provider.runtime import enqueue
print(enqueue({"node": "by a grandchild", "script": "echo 2"}))'''
sys.exit(subprocess.run([sys.executable, "-c", code]).returncode)
"""
SHELL = [
    sh("last line", "echo no json; echo '{\"a\": [1]}'; echo; echo on stderr >&2"),
    sh("no json", "echo plain words"),
    sh("nor this", "echo NaN"),
    sh("result file", "echo '[1]'; echo '{\"from\": \"the file\"}' > $MCP_RESULT"),
    sh("bad result file", "echo '{' > $MCP_RESULT"),
    sh("exit code", "echo it is broken; exit 4"),
    sh("killed", "kill -9 $$"),
    sh(
        "values",
        """printf '["%s", "%s", %s, %s]' "$MCP_PARAM_GREETING" "$MCP_SUBTASK_NODE" $MCP_SUBTASK_COUNT "$MCP_SUBTASK" """,
        count=3,
    ),
    sh("enqueues", f"echo '{CHILD % 'e1'}' > $MCP_ENQUEUE; printf '%s' '{CHILD % 'e2'}' > $MCP_ENQUEUE"),
    sh("enqueues with key", f'echo \'{{"payload": {CHILD % "p"}, "key": "its key"}}\' > $MCP_ENQUEUE'),
    sh("enqueues rubbish", "echo 'no json' > $MCP_ENQUEUE"),
    sh("enqueues depths", f"{sys.executable} -c 'print(\"[\" * 100000)' > $MCP_ENQUEUE"),
    sh("grandchild", f'{sys.executable} -c "$MCP_SUBTASK_CODE"', code=PYTHON_CHILD),
]


@pytest.fixture(scope="module")
def started(airflow: Embedded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = tmp_path_factory.mktemp("record") / "record.jsonl"
    argv = [
        {"node": "$(id) `id`; 'quote\" {greeting}", "program": sys.executable, "list": [1, {"a": None}]},
        {"node": "nobody", "program": "no-such-program", "list": []},
        {"node": "unnamed", "program": sys.executable},
    ]
    told = {"shell": SHELL, "argv": argv}
    return {
        **{job: trigger(airflow, job, path, listed) for job, listed in told.items()},
        "command": airflow.api.trigger("command"),
    }


@pytest.fixture
def shell(airflow: Embedded, started: dict[str, str]) -> Ended:
    return Ended(airflow, "shell", started["shell"])


@pytest.mark.parametrize(
    ("node", "result"),
    [
        ("last line", {"a": [1]}),
        ("no json", None),
        ("nor this", None),
        ("result file", {"from": "the file"}),
        ("e1", 1),
        ("e2", 1),
        ("its key", 1),
        ("by a grandchild", 2),
    ],
)
def test_results_of_commands(shell: Ended, node: str, result: object) -> None:
    outcome = shell.outcomes[node]
    assert (outcome["status"], outcome["result"]) == ("success", result)


def test_payload_and_params_in_the_environment(shell: Ended) -> None:
    greeting, node, count, payload = shell.outcomes["values"]["result"]
    assert (greeting, node, count, payload["count"]) == ("good day", "values", 3, 3)


@pytest.mark.parametrize(
    ("node", "kind", "message"),
    [
        ("exit code", "CommandFailed", "the process ended with exit code 4; last line of output: it is broken"),
        ("killed", "CommandFailed", "the process was killed by SIGKILL"),
        ("bad result file", "InvalidResult", "invalid JSON in $MCP_RESULT"),
        ("enqueues rubbish", "airflow_mcp_provider.errors.InvalidPayload", "invalid line 'no json' in "),
        ("enqueues depths", "airflow_mcp_provider.errors.InvalidPayload", "invalid line '[[[["),
    ],
)
def test_errors_of_commands(shell: Ended, node: str, kind: str, message: str) -> None:
    outcome = shell.outcomes[node]
    assert (outcome["status"], outcome["error"]["type"]) == ("failed", kind)
    assert message in outcome["error"]["message"]


def test_placeholders_are_text_and_no_code(airflow: Embedded, started: dict[str, str]) -> None:
    outcomes = Ended(airflow, "argv", started["argv"]).outcomes
    node = "$(id) `id`; 'quote\" {greeting}"
    assert outcomes[node]["result"] == [node, "{good day}", '[1,{"a":null}]', "7"]
    assert outcomes["nobody"]["error"]["type"] == "CommandNotStarted"
    assert outcomes["nobody"]["error"]["message"].startswith("'no-such-program' cannot be started")
    assert "unknown placeholder {list}" in outcomes["unnamed"]["error"]["message"]


def test_a_job_all_of_commands(airflow: Embedded, started: dict[str, str]) -> None:
    run = Ended(airflow, "command", started["command"])
    assert (run.result["state"], run.result["subtasks"]) == ("complete", 3)
    assert run.result["result"]["result"] == {"was": {"item": "c"}}


def test_output_is_in_the_log_while_the_command_runs(airflow: Embedded, tmp_path: Path) -> None:
    script = "echo early words; echo early error >&2; while [ ! -e $MCP_SUBTASK_FILE ]; do sleep 0.1; done; echo late"
    file = tmp_path / "go"
    run_id = trigger(airflow, "shell", tmp_path / "record", [sh("slow", script, file=str(file))])
    try:
        until(lambda: {"early words", "early error"} <= _lines(airflow, run_id), what="the first lines in the log")
        assert "late" not in _lines(airflow, run_id)
    finally:
        file.touch()
    Ended(airflow, "shell", run_id)
    until(lambda: "late" in _lines(airflow, run_id), what="the last line in the log")


def _lines(airflow: Embedded, run_id: str) -> set[str]:
    if not [row for row in airflow.api.task_instances("shell", run_id) if row["map_index"] == 0 and row["start_date"]]:
        return set()
    return set(airflow.api.log("shell", run_id, "run", 0).splitlines())


def test_airflows_own_calls_beside_enqueue_in_threads(airflow: Embedded, record: Path) -> None:
    """Variables and connections are asked for in the work's process, while eight threads enqueue."""
    airflow.api.post("/variables", {"key": "colour", "value": "green"})
    airflow.api.post("/connections", {"connection_id": "store", "conn_type": "http", "host": "example.org"})
    run = Ended(airflow, "deeds", trigger(airflow, "deeds", record, [does("ask_airflow")]))
    assert run.outcomes["ask_airflow"]["result"] == {"variables": ["green"], "hosts": ["example.org"], "new": 8}
    assert run.result["succeeded"] == 9


def test_progress_is_shown_while_the_subtask_works(airflow: Embedded, record: Path, tmp_path: Path) -> None:
    file = tmp_path / "go"
    run_id = trigger(airflow, "deeds", record, [does("tell_progress", file=str(file))])
    try:
        until(lambda: notes.seen(record, told=True), what="progress told")
        shown = until(lambda: airflow.api.state_store("deeds", run_id, "run", 0).get("progress"), what="progress shown")
    finally:
        file.touch()
    assert shown == {"fraction": 0.25, "message": "a quarter of \\udcff"}
    Ended(airflow, "deeds", run_id)
