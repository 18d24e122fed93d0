"""Each command against the real application: what it prints, its exit code."""

import json
import signal
import threading
from datetime import UTC, datetime

import pytest
import yaml
from airflow.utils.state import DagRunState

from airflow_mcp_provider.console.main import main


def ended(set_run, run, state=DagRunState.FAILED):
    set_run(run, state, start_date=datetime.now(UTC), end_date=datetime.now(UTC))


def test_submit_prints_the_run_and_its_place(mcp, job):
    code, out, _ = mcp("submit", "crawl", "-c", "url=x", "-c", "n=2", "--note", "hi", "--priority", 3)
    assert code == 0
    assert "1st in the queue" in out
    code, out, err = mcp("submit", "crawl", "-o", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["position"] == 2
    code, out, _ = mcp("list", "crawl", "-o", "yaml")
    assert len(yaml.safe_load(out)) == 2


def test_status_of_a_run_by_each_name(mcp, job):
    run = json.loads(mcp("submit", "crawl", "-c", "url=x", "-o", "json")[1])["run"]
    for names in ([run], ["crawl", run], ["crawl", "latest"]):
        code, out, _ = mcp("status", *names)
        assert code == 0
        assert run in out
        assert '{"url": "x"}' in out
    assert json.loads(mcp("status", run, "-o", "json")[1])["submitter"] == "anna"
    code, out, _ = mcp("status", "crawl")
    assert code == 0
    assert "url, n" in out


def test_a_run_id_of_two_jobs_needs_the_job(mcp, make_job):
    make_job("one")
    make_job("two")
    runs = {json.loads(mcp("submit", job, "--key", "k", "-o", "json")[1])["run"] for job in ("one", "two")}
    (run,) = runs
    code, _, err = mcp("status", run)
    assert code == 2
    assert "several jobs: " in err
    assert mcp("status", "one", run)[0] == 0


@pytest.mark.parametrize(("state", "code"), [(DagRunState.FAILED, 1), (DagRunState.SUCCESS, 0)])
def test_wait_ends_with_the_outcome(mcp, job, set_run, once_followed, state, code):
    run = json.loads(mcp("submit", "crawl", "--key", "1", "-o", "json")[1])["run"]
    once_followed(lambda: ended(set_run, run, state))
    found, out, err = mcp("submit", "crawl", "--key", "1", "--wait", "-o", "json")
    assert found == code
    assert json.loads(out)["done"]
    assert run in err


def test_follow_shows_what_happens_and_then_the_run(mcp, job, set_run, once_followed):
    run = json.loads(mcp("submit", "crawl", "-o", "json")[1])["run"]
    once_followed(lambda: ended(set_run, run))
    code, out, err = mcp("status", "crawl", run, "--follow")
    assert code == 1
    assert "1st in the queue" in err
    assert "error" in out


def test_ctrl_c_leaves_the_run_and_shows_the_way_back(mcp, job, url, once_followed):
    main_thread = threading.main_thread().ident
    once_followed(lambda: signal.pthread_kill(main_thread, signal.SIGINT))
    code, _, err = mcp("submit", "crawl", "--follow")
    run = json.loads(mcp("list", "crawl", "-o", "json")[1])[0]["run"]
    assert code == 130
    assert f"mcp-jobs status crawl {run} --follow --url {url}" in err
    assert f"mcp-jobs cancel crawl {run} --url {url}" in err
    assert json.loads(mcp("status", run, "-o", "json")[1])["state"] == "queued"


def test_a_timeout_of_wait(mcp, job):
    code, _, err = mcp("submit", "crawl", "--wait", "--timeout", "200ms")
    assert code == 10
    assert "is queued after 0.2 s" in err


def test_lists(mcp, make_job):
    make_job("one")
    make_job("two")
    mcp("submit", "two")
    code, out, _ = mcp("list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[3:] if line.strip()] == ["one", "two"]
    assert [one["job"] for one in json.loads(mcp("list", "--active", "-o", "json")[1])] == ["two"]
    assert [one["job"] for one in json.loads(mcp("list", "--search", "job one", "-o", "json")[1])] == ["one"]
    assert mcp("list", "two", "--state", "running", "-o", "json")[1] == "[]\n"
    assert "queued" in mcp("list", "two")[1]
    code, out, err = mcp("list", "--limit", 1, "-o", "json")
    assert (code, len(json.loads(out))) == (0, 1)
    assert "only the first 1 are shown" in err


def test_a_reader_that_ends_early(url, job):
    import os
    import subprocess
    import sys

    program = f'"{sys.executable}" -m airflow_mcp_provider.console.main list --url {url} --token anna'
    command = f'set -o pipefail; {program} | true; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() in {"0", "141"}
    assert done.stderr == ""


def test_watch(mcp, make_job):
    make_job("one")
    code, out, _ = mcp("watch", "--times", 2, "--interval", 0.1)
    assert code == 0
    assert out.count("one") >= 2


def test_tree_and_logs_of_a_run_without_subtasks(mcp, job):
    run = json.loads(mcp("submit", "crawl", "-o", "json")[1])["run"]
    assert mcp("tree", run) == (0, f"{run}\n", "")
    assert mcp("tree", run, "-o", "json") == (0, "[]\n", "")
    assert mcp("logs", "crawl", run) == (0, "", "")


def test_refused(mcp, make_job):
    make_job(more="queue: {max_pending: 1}")
    mcp("submit", "crawl")
    code, out, err = mcp("submit", "crawl")
    assert (code, out) == (3, "")
    assert "queue.max_pending is 1" in err
    assert "try again in 30 s" in err


def test_a_wrong_conf(mcp, job):
    code, _, err = mcp("submit", "crawl", "-c", "ulr=x")
    assert code == 2
    assert "ulr" in err


def test_a_job_that_does_not_exist_has_near_names(mcp, make_job):
    make_job("inventory")
    for command in (["submit", "inventori"], ["list", "inventori"], ["status", "inventori", "r"]):
        code, _, err = mcp(*command)
        assert code == 7, command
        assert "did you mean inventory?" in err
    code, _, err = mcp("status", "inventorx")
    assert code == 7
    assert "inventory latest" in err
    code, _, err = mcp("status", "inventory", "latest")
    assert code == 7
    assert "has no run yet" in err


def test_access(mcp, job, url):
    code, _, err = mcp("list", token="expired")
    assert code == 8
    assert "AIRFLOW_CLI_TOKEN" in err
    assert mcp("submit", "crawl", token="victor")[0] == 8


def test_no_server(capsys):
    assert main(["list", "--url", "http://127.0.0.1:9", "--token", "x"]) == 9
    err = capsys.readouterr().err
    assert "cannot connect" in err
    assert "--url" in err


def test_a_token_for_a_user(url, capsys, monkeypatch):
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.StringIO("right\n"))
    assert main(["token", "--url", url, "--user", "anna"]) == 0
    assert capsys.readouterr().out == "anna\n"


def test_usage(capsys):
    for wrong in (["nothing"], [], ["submit"], ["list", "-o", "xml"]):
        with pytest.raises(SystemExit) as seen:
            main(wrong)
        assert seen.value.code == 2


def test_control(mcp, job):
    run = json.loads(mcp("submit", "crawl", "-o", "json")[1])["run"]
    code, out, _ = mcp("pause", "crawl")
    assert (code, "paused" in out) == (0, True)
    assert not json.loads(mcp("resume", "crawl", "-o", "json")[1])["paused"]
    assert mcp("retry", run)[0] == 3
    code, out, _ = mcp("cancel", run, "--reason", "not needed", "--wait")
    assert code == 0
    assert "cancelled" in out
    assert mcp("status", run, "--wait")[0] == 6


@pytest.mark.parametrize(
    "wrong",
    [
        ("submit", "crawl", "--priority", "5000"),
        ("submit", "crawl", "--key", ""),
        ("cancel", "crawl", "r", "--grace", "9h"),
    ],
)
def test_a_value_that_the_server_would_refuse_is_a_wrong_argument(mcp, job, wrong):
    code, _, err = mcp(*wrong)
    assert code == 2
    assert "Traceback" not in err


@pytest.mark.parametrize("seconds", ["500ms", "1ms"])
def test_follow_ends_with_its_timeout_while_nothing_happens(mcp, job, seconds):
    before = signal.getsignal(signal.SIGALRM)
    code, _, err = mcp("submit", "crawl", "--follow", "--timeout", seconds)
    assert code == 10
    assert "has not ended within 0." in err
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_cancel_that_waits_shows_the_state_at_its_end(mcp, job):
    run = json.loads(mcp("submit", "crawl", "-o", "json")[1])["run"]
    code, out, _ = mcp("cancel", "crawl", run, "--wait", "-o", "json")
    assert code == 0
    assert json.loads(out)["state"] == "cancelled"


def test_priority_and_parallelism(mcp, job, set_run):
    run = json.loads(mcp("submit", "crawl", "-o", "json")[1])["run"]
    code, out, _ = mcp("priority", "crawl", run, "--to", "7", "-o", "json")
    assert code == 0
    assert json.loads(out)["priority"] == 7
    with pytest.raises(SystemExit, match="2"):
        mcp("parallelism", "crawl", run, "--to", "0")
    assert mcp("parallelism", "crawl", run, "--to", "3")[0] == 0
    ended(set_run, run)
    assert mcp("priority", "crawl", run, "--to", "1")[0] == 3
