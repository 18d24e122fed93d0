"""Work that is a container: a pod of its own beside its runner's, of an image that has nothing of ours in it."""

from __future__ import annotations

import pytest

from tests.containers.bare import BARE, ROOT, USER, bare
from tests.containers.engine import ROOT as PROJECT
from tests.kubernetes.runners import NAMESPACE, until

PROGRAM = "/busybox"
RIGHTS = PROJECT / "helm-values" / "containers.yaml"


@pytest.fixture(scope="module", autouse=True)
def rights(runners, cluster, tmp_path_factory):
    cluster.load_image(bare(tmp_path_factory.mktemp("bare") / "bare.tar"))
    cluster.kubectl("--namespace", NAMESPACE, "apply", "--filename", str(RIGHTS))
    yield
    cluster.kubectl("--namespace", NAMESPACE, "delete", "--filename", str(RIGHTS))


@pytest.fixture(autouse=True)
def no_pod_is_left(runners):
    yield
    runners.none_left()


def subtask(name, script="", image=BARE, program=PROGRAM):
    return {"name": name, "script": script, "image": image, "program": program}


def start(runners, job, *subtasks):
    runners.airflow.api.wait_for_dag(job)
    return runners.airflow.api.trigger(job, {"subtasks": list(subtasks)})


def works(runners, run):
    pods = [pod for pod in runners.pods() if pod.metadata.annotations["run_id"] == run]
    return [pod for pod in pods if pod.spec.containers[0].name == "work"]


GROWS = """
echo '{"name": "late", "script": "/busybox id -u", "image": "IMAGE", "program": "/busybox"}' > $MCP_ENQUEUE
echo '{"name": "moved", "script": "echo 7", "image": "IMAGE", "program": "/busybox"}' > /mcp/x
/busybox mv /mcp/x $MCP_ENQUEUE_DIR/x
echo 'words for the log'
echo "{\\"told\\": [\\"$PLAIN$MINE$OWN\\", \\"$MCP_SUBTASK_NAME\\"]}" > $MCP_RESULT
""".replace("IMAGE", BARE)


DATA = "a$$b $(PLAIN) $$(PLAIN) $$$(PLAIN) $(NONE) $( $é $"
"""What Kubernetes would make something else of, in the payload and so in arguments and variables."""
TELLS = f"""
[ "$(echo {DATA.encode().hex()} | /busybox xxd -r -p)" = "$MCP_SUBTASK_NAME" ] || exit 3
[ '{DATA}' = "$MCP_SUBTASK_NAME" ] || exit 4
[ '$(PLAIN) $$' = "$LITERAL" ] || exit 5
"""


def test_what_comes_out_of_containers(runners):
    run = start(
        runners,
        "contained",
        subtask("grows", GROWS),
        subtask(DATA, TELLS),
        subtask("fails", "echo it is broken; exit 4"),
        subtask("replaces", "echo > /mcp/x; /busybox mv /mcp/x $MCP_ENQUEUE"),
        subtask("links", "/busybox ln -sf /etc/hostname $MCP_RESULT"),
        subtask("no program", program="/no-such"),
        subtask("root", "echo 1", image=ROOT),
        subtask("no image", image="registry.invalid/no/such:1"),
        subtask("hungry", "a=x; while :; do a=$a$a; done"),
    )
    work = until("a container's pod", lambda: works(runners, run))[0]
    assert work.metadata.labels["team"] == "web"
    assert work.metadata.labels["mcp/job"] == "contained"
    assert work.spec.containers[0].resources.limits == {"memory": "48Mi"}
    assert work.spec.automount_service_account_token is False
    assert work.spec.containers[0].security_context.run_as_non_root is True
    api = runners.airflow.api
    assert api.wait("contained", run, 300)["state"] == "success"
    failures = {one["key"]: (one["type"], one["message"]) for one in runners.result("contained", run)["failures"]}
    assert failures["fails"] == (
        "CommandFailed",
        "the process ended with exit code 4; last line of output: it is broken",
    )
    assert {key: kind for key, (kind, _) in failures.items()} == {
        "fails": "CommandFailed",
        "replaces": "airflow_mcp_provider.errors.InvalidPayload",
        "links": "airflow_mcp_provider.errors.InvalidPayload",
        "no program": "CommandNotStarted",
        "root": "PodNotStarted",
        "no image": "ImageNotPulled",
        "hungry": "OutOfMemory",
    }
    for key, told in {
        "replaces": "$MCP_ENQUEUE",
        "links": "$MCP_RESULT cannot be read",
        "no program": "/no-such",
        "root": "container.user",
        "no image": "such:1",
        "hungry": "48Mi",
    }.items():
        assert told in failures[key][1]
    indexes = {
        one["rendered_map_index"]: one["map_index"]
        for one in api.task_instances("contained", run)
        if one["task_id"] == "run"
    }
    results = {
        key: api.state_store("contained", run, "run", n)["mcp.outcome"].get("result") for key, n in indexes.items()
    }
    assert results["grows"] == {"told": ["121", "grows"]}
    assert (results["late"], results["moved"]) == (USER, 7)
    assert "words for the log" in api.log("contained", run, "run", indexes["grows"])


def test_soft_asks_and_hard_kills(runners):
    asked = "trap 'echo asked; exit 0' TERM; /busybox sleep 600 & wait"
    run = start(
        runners, "contained_limited", subtask("asked", asked), subtask("deaf", "trap '' TERM; /busybox sleep 600")
    )
    assert runners.airflow.api.wait("contained_limited", run, 180)["state"] == "success"
    failures = {one["key"]: one["type"] for one in runners.result("contained_limited", run)["failures"]}
    assert failures == {
        "asked": "airflow_mcp_provider.errors.SoftTimeout",
        "deaf": "airflow_mcp_provider.errors.HardTimeout",
    }


def test_cancel_takes_both_pods(runners):
    run = start(runners, "contained", subtask("long", "/busybox sleep 6000"))
    until("the container", lambda: [pod for pod in works(runners, run) if pod.status.phase == "Running"])
    runners.airflow.api.cancel("contained", run)
    runners.none_left(60)


def test_runners_that_are_gone_take_their_containers_along(runners, cluster):
    run = start(runners, "contained", *(subtask(name, "/busybox sleep 6000") for name in ("owned", "disowned")))

    def both():
        return len(running := [pod for pod in works(runners, run) if pod.status.phase == "Running"]) == 2 and running

    disowned = until("the containers", both)[0].metadata.name
    # As where the pods of runners are kept: then it is the scheduler that notices.
    none = {"metadata": {"ownerReferences": None}}
    runners.core.patch_namespaced_pod(disowned, NAMESPACE, none)
    for runner in runners.pods():
        if runner.spec.containers[0].name == "base":
            cluster.kill_container(runner.metadata.name, NAMESPACE)
    assert runners.airflow.api.wait("contained", run, 180)["state"] == "success"
    runners.none_left()
