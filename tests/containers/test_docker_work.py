"""Work that is a container, on a real Docker engine: what a laptop does, without an Airflow around it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from airflow_mcp_provider.errors import HardTimeout, InvalidPayload, SoftTimeout, SubtaskError
from airflow_mcp_provider.runtime.docker import Docker, Limits, program
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.spec import Timeouts, parse_subtask
from tests.containers.bare import BARE, ROOT, SH, USER, bare
from tests.sizes import patient

PLACE = f"test-{os.getpid()}"


class Ledger:
    """A run's subtasks."""

    def __init__(self):
        self.children = {}

    def enqueue(self, children):
        self.children |= {child.key: child.payload for child in children}
        return len(children)


@pytest.fixture(scope="module")
def images(docker, tmp_path_factory):
    docker.run("load", "--input", str(bare(tmp_path_factory.mktemp("bare") / "bare.tar")))
    patch = pytest.MonkeyPatch()
    if host := docker.env.get("DOCKER_HOST"):
        patch.setenv("DOCKER_HOST", host)
    yield docker
    patch.undo()


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def do(images, ledger):
    def run(container, payload=None, params=None, limits=None, **timeouts):
        given, parameters = payload or {}, params or {}
        engine = Docker(program(), PLACE, {"mcp/job": "tests"}, limits or Limits())
        work = parse_subtask({"container": {"image": BARE, **container}})
        call = Call((given, parameters), "subtask, params", given, parameters)
        return perform(work, call, channel=ledger, timeouts=Timeouts.model_validate(timeouts), engine=engine)

    yield run
    assert left(images) == []


def left(docker):
    return docker.run("ps", "--all", "--quiet", "--filter", "label=mcp/job=tests").split()


def sh(text, **more):
    return {"command": [*SH, text.replace("{", "{{").replace("}", "}}")], **more}


def failed(do, *arguments, **more):
    with pytest.raises(SubtaskError) as raised:
        do(*arguments, **more)
    return raised.value.kinds, str(raised.value)


def test_the_image_says_what_it_does(do):
    assert do({}) == ["said by the image"]


def test_arguments_have_values_and_the_environment_more(do, capfd):
    payload = {"url": "http://a b/'\"$(x)", "lines": "a\nb", "deep": {"x": [1]}}
    script = 'echo "$1"; /busybox env > /dev/stderr; echo "[\\"$OWN$MINE\\", \\"$(/busybox id -u)\\", $MCP_SUBTASK]"'
    result = do({"command": SH, "args": [script, "{url}", "{url}"], "env": {"MINE": 2}}, payload, {"p": 1})
    assert result == ["12", str(USER), payload]
    out, err = capfd.readouterr()
    assert payload["url"] in out
    told = dict(line.split("=", 1) for line in err.splitlines() if "=" in line)
    assert (told["MCP_PARAM_P"], told["MCP_SUBTASK_LINES"], json.loads(told["MCP_PARAMS"])) == ("1", "a", {"p": 1})


def test_result_file_and_growth(do, ledger):
    lines = "".join(f"echo '{{\"item\": {n}}}' > $MCP_ENQUEUE; " for n in range(50))
    assert do(sh(f'{lines} echo \'{{"from": "file"}}\' > $MCP_RESULT; echo 5')) == {"from": "file"}
    assert [ledger.children[str(n)] for n in range(50)] == [{"item": n} for n in range(50)]
    with pytest.raises(InvalidPayload):
        do(sh("echo rubbish > $MCP_ENQUEUE"))


def test_files_of_the_directory_are_taken(do, ledger):
    assert (
        do(sh("cd $MCP_ENQUEUE_DIR; echo '{\"item\": 1}' > ../x; /busybox mv ../x x; echo '{\"item\": 2}' > y")) is None
    )
    assert ledger.children == {"1": {"item": 1}, "2": {"item": 2}}
    assert do(sh("/busybox rm $MCP_RESULT; echo 5")) == 5


def test_what_stands_in_the_place_of_ours_is_an_error(do):
    with pytest.raises(InvalidPayload, match="was removed or replaced"):
        do(sh("echo '{\"item\": 1}' > /mcp/x; /busybox mv /mcp/x $MCP_ENQUEUE"))
    with pytest.raises(InvalidPayload, match="MCP_ENQUEUE_DIR cannot be read"):
        do(sh("/busybox rmdir $MCP_ENQUEUE_DIR; /busybox ln -s /etc $MCP_ENQUEUE_DIR"))
    assert failed(do, sh("/busybox ln -sf /proc/version $MCP_RESULT"))[0] == ("InvalidResult",)


def test_how_it_fails(do):
    assert failed(do, sh("echo it is broken; exit 4")) == (
        ("CommandFailed",),
        "CommandFailed: the process ended with exit code 4; last line of output: it is broken",
    )
    kinds, message = failed(do, {"command": ["/no-such"]})
    assert kinds == ("CommandNotStarted",)
    assert "/no-such" in message
    kinds, message = failed(do, {"image": "registry.invalid/no/such:1"})
    assert kinds == ("ImageNotPulled",)
    assert "registry.invalid/no/such:1" in message
    assert failed(do, sh("echo { > $MCP_RESULT"))[0] == ("InvalidResult",)


def test_its_memory_runs_out(do):
    hungry = "a=x; while :; do a=$a$a; done"
    kinds, message = failed(do, sh(hungry), limits=Limits(memory="32Mi", cpu="500m", environment={"A": "b"}))
    assert kinds[0] == "OutOfMemory"
    assert "32Mi" in message


def test_soft_asks_and_hard_kills(do):
    soft = patient(4)  # longer than a container takes to start
    with pytest.raises(SoftTimeout, match="the container received SIGTERM"):
        do(
            sh("trap 'echo asked; exit 0' TERM; /busybox sleep 600 & wait"),
            soft=f"{soft:g}s",
            hard=f"{soft + patient(30):g}s",
        )
    with pytest.raises(HardTimeout):
        do(sh("trap '' TERM; /busybox sleep 600"), soft=f"{soft:g}s", hard=f"{soft + 1:g}s")


def test_root_has_no_rights_and_a_user_can_be_said(do):
    rights = '"$(/busybox id -u) $(/busybox grep CapEff /proc/self/status | /busybox tr -d "\t")"'
    assert do(sh(f"echo '\"'{rights}'\"'", image=ROOT)) == "0 CapEff:0000000000000000"
    own = do(sh("/busybox id -u", image=ROOT, user=4321))
    assert own == 4321


RUNNER = """
import os, signal, sys
from airflow_mcp_provider.runtime import soft_stop
from airflow_mcp_provider.runtime.docker import Docker, Limits, program
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.spec import Timeouts, parse_subtask
work = parse_subtask({"container": {"image": sys.argv[1], "command": ["/busybox", "sleep", "60"]}})
engine = Docker(program(), "killed", {"mcp/job": "tests"}, Limits())
signal.signal(signal.SIGTERM, lambda *_: soft_stop.stop())
Docker.remove = lambda _: os.killpg(0, signal.SIGKILL)  # before it is done
perform(work, Call(((), ()), "", {}, {}), channel=None, timeouts=Timeouts(), engine=engine)
"""


def wait_for(holds):
    until = time.monotonic() + patient(60)
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["at once", "after its work"])
def test_a_killed_runner_leaves_no_container(images, number):
    with subprocess.Popen([sys.executable, "-c", RUNNER, BARE], start_new_session=True) as runner:
        wait_for(lambda: images.run("ps", "--quiet", "--filter", "label=mcp/place=killed"))
        runner.send_signal(number)
    wait_for(lambda: not left(images))
