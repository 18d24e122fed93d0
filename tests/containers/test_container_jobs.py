"""Jobs whose work is a container on a laptop: a real Airflow with processes as runners, and a Docker engine."""

from __future__ import annotations

import hashlib
import re
import shutil
import time

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.containers.bare import BARE, bare
from tests.containers.engine import ROOT
from tests.kubernetes.cluster.images import BUSYBOX, small
from tests.sizes import CALM, patient

JOBS = ROOT / "tests" / "kubernetes" / "dags"  # the same jobs run on a cluster there
SHOWN = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "containers.md").read_text(), re.DOTALL)[1]

PLANNED = """
plan: {container: {image: "localhost/bare:1", command: [/busybox, echo, '[{{"item": "{word}"}}, "b"]']}}
run: {container: {image: "localhost/bare:1", args: [/busybox, echo, '"{item}"']}}
params: {word: {type: string, default: a}}
"""


@pytest.fixture(scope="module")
def airflow(docker, tmp_path_factory):
    place = tmp_path_factory.mktemp("jobs")
    dags = shutil.copytree(JOBS, place / "dags")
    (dags / "jobs" / "checksums.yaml").write_text(SHOWN)
    (dags / "jobs" / "planned.yaml").write_text(PLANNED)
    small(place / "small.tar")
    for images in (bare(place / "bare.tar"), place / "small.tar"):
        docker.run("load", "--input", str(images))
    if docker.own:
        for name in set(re.findall(r"alpine:[\d.]+", SHOWN)):
            docker.run("tag", BUSYBOX, name)
    host = {name: value for name, value in docker.env.items() if name == "DOCKER_HOST"}
    with Embedded(dags=dags, env={**CALM, **host}, parallelism=4) as embedded:
        yield embedded


def left(docker):
    return docker.run("ps", "--all", "--quiet", "--filter", "label=mcp/job").split()


def test_the_job_of_the_docs(airflow, docker):
    api = airflow.api
    api.wait_for_dag("checksums")
    run = api.trigger("checksums")
    assert api.wait("checksums", run)["state"] == "success"
    sums = [hashlib.sha256("".join(f"{n + 1}\n" for n in range(count)).encode()).hexdigest() for count in (10, 1000)]
    instances = [one for one in api.task_instances("checksums", run) if one["task_id"] == "run"]
    found = {
        one["rendered_map_index"]: api.state_store("checksums", run, "run", one["map_index"])["mcp.outcome"]["result"]
        for one in instances
    }
    assert len(found) == 4
    assert {key.split()[1]: value for key, value in found.items()} == {"10": sums[0], "1000": sums[1]}
    assert len(set(found.values())) == 2
    assert left(docker) == []


def test_a_plan_may_be_one(airflow, docker):
    airflow.api.wait_for_dag("planned")
    run = airflow.api.trigger("planned", {"word": "c"})
    assert airflow.api.wait("planned", run)["state"] == "success"
    found = {one["rendered_map_index"] for one in airflow.api.task_instances("planned", run) if one["task_id"] == "run"}
    assert found == {"c", "b"}
    assert left(docker) == []


GROWS = """
echo '{"name": "late", "script": "echo 5", "image": "IMAGE", "program": "/busybox"}' > $MCP_ENQUEUE
echo words for the log; echo and for the errors >&2
""".replace("IMAGE", BARE)


def subtask(name, script):
    return {"name": name, "script": script, "image": BARE, "program": "/busybox"}


def test_growth_and_log_and_failure(airflow, docker):
    api = airflow.api
    api.wait_for_dag("contained")
    run = api.trigger("contained", {"subtasks": [subtask("grows", GROWS), subtask("fails", "exit 4")]})
    assert api.wait("contained", run)["state"] == "success"
    result = api.xcom("contained", run, "report")
    assert (result["succeeded"], [one["type"] for one in result["failures"]]) == (2, ["CommandFailed"])
    indexes = {one["rendered_map_index"]: one["map_index"] for one in api.task_instances("contained", run)}
    log = api.log("contained", run, "run", indexes["grows"])
    assert "words for the log" in log
    assert "and for the errors" in log
    assert left(docker) == []


def test_cancel_takes_the_container(airflow, docker):
    api = airflow.api
    run = api.trigger("contained", {"subtasks": [subtask("long", "/busybox sleep 600")]})
    wait_for(lambda: docker.run("ps", "--quiet", "--filter", "label=mcp/subtask=long").split())
    api.cancel("contained", run)
    wait_for(lambda: not left(docker))


def wait_for(holds):
    until = time.monotonic() + patient(60)
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)
