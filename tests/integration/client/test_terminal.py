"""What a person sees: progress bars, live tables, Ctrl-C and Tab, in a terminal on a real Airflow."""

import re

import pexpect
import pytest

from tests.integration.client.conftest import ended, plain, until
from tests.sizes import patient

pytestmark = pytest.mark.usefixtures("idle")


def test_ctrl_c_leaves_the_run_and_says_how_to_come_back(terminal, jobs, tmp_path):
    go = tmp_path / "go"
    with terminal(f"mcp-jobs submit steered -c count=4 -c waits=leaf-2 -c file={go} --follow") as first:
        first.expect(r"submitted: (\S+)")
        run = first.match.group(1)
        first.expect("4 known: 3 done, 1 running")
        assert "━" in plain(first)
        first.sendintr()
        first.expect("The run goes on")
        first.expect(r"mcp-jobs (status steered \S+ --follow)")
        command = first.match.group(1)
        first.expect_exact(f"mcp-jobs cancel steered {run}")
        assert ended(first) == 130
    assert jobs.run("steered", run).state == "running"
    with terminal(f"mcp-jobs {command}") as second:
        second.expect("4 known: 3 done, 1 running")
        go.touch()
        assert ended(second) == 0
        assert re.search("state +completed", plain(second))


def test_the_place_in_the_queue_while_following(terminal, jobs, tmp_path):
    go = tmp_path / "go"
    holder = jobs.submit("steered", {"count": 1, "waits": "root", "file": str(go)}).run
    until(lambda: jobs.run("steered", holder).state == "running", "start of the first run")
    with terminal("mcp-jobs submit steered -c count=1 --follow") as waiting:
        waiting.expect_exact(f"1st in the queue: {holder} is running")
        go.touch()
        assert ended(waiting) == 0
        assert re.search("state +completed", plain(waiting))


def test_watch_follows_what_happens(terminal, jobs, tmp_path):
    go = tmp_path / "go"
    with terminal("mcp-jobs watch --search strict --interval 0.3") as table:
        table.expect("strict")
        run = jobs.submit("strict", {"waits": "root", "file": str(go)}).run
        table.expect(r"running \d+[sm]")
        assert "✔" not in plain(table), "no run of this job has completed before"
        go.touch()
        jobs.wait("strict", run)
        table.expect("✔")
        table.sendintr()
        assert ended(table) == 0


def test_tab_completes_commands_jobs_and_runs(terminal, jobs):
    run = jobs.submit("steered", {"count": 0}).run
    assert ":" in run, "bash breaks words there"
    with terminal("bash --norc --noprofile -i") as bash:
        bash.sendline('PS1="rea""dy: "; bind "set bell-style none"; eval "$(mcp-jobs completion bash)"')
        bash.expect("ready: ")
        for typed, more in (
            ("mcp-jobs res", "ume "),
            ("mcp-jobs status stee", "red "),
            (f"mcp-jobs logs steered {run[:-4]}", f"{run[-4:]} "),
            ("mcp-jobs submit steered --fol", "low "),
        ):
            bash.send(typed)
            complete(bash, f"{typed}{more}")
            bash.sendintr()
            bash.expect("ready: ")
        bash.sendline("exit")
        bash.expect(pexpect.EOF)


def complete(bash, text):
    """Press Tab until there is the text: where the server has not responded after some seconds, a Tab shows nothing."""
    for _ in range(20):
        bash.send("\t")
        if not bash.expect_exact([text, pexpect.TIMEOUT], timeout=patient(5)):
            return
    raise AssertionError(f"no completion to {text}: {plain(bash)}")
