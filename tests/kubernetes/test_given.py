"""A cluster that the environment tells of: here our own, reached as a stranger would."""

import shlex

import pytest

from tests.kubernetes.cluster import Cluster, Given, Unavailable
from tests.kubernetes.cluster.images import Image, archive, busybox, made
from tests.kubernetes.cluster.packages import program
from tests.kubernetes.pods import namespace

IMAGE = "localhost/given:1"


@pytest.fixture
def given(cluster, monkeypatch):
    if not isinstance(cluster, Cluster):
        pytest.skip("all tests run on a given cluster already")
    monkeypatch.setenv("MCP_TEST_KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("MCP_TEST_HOST", cluster.host)
    socket = cluster.kubeconfig.parent / "containerd.sock"
    load = [program("ctr"), "--address", str(socket), "--namespace", "k8s.io", "images", "import"]
    monkeypatch.setenv(
        "MCP_TEST_LOAD_IMAGE", shlex.join(["nsenter", "-t", str(cluster._node.first), "-m", "-p", *load])
    )
    with Given.from_environment() as found:
        yield found


def test_a_given_cluster_is_given_images_and_runs_them(given, cluster, tmp_path):
    archive(tmp_path / "given.tar", Image(IMAGE, [made(tmp_path / "layer.tar", busybox)], env={"GIVEN": "yes"}))
    given.load_image(tmp_path / "given.tar")
    with namespace(given.client()) as pods:
        pods.run("some", "echo $GIVEN", container={"image": IMAGE})
        assert pods.ended("some").exit_code == 0
        assert pods.log("some") == "yes\n"
    assert given.host == cluster.host


def test_what_only_our_own_can_do_is_refused(given):
    for ask in (given.stop, given.start, given.log, given.kill_container):
        with pytest.raises(Unavailable, match="unset MCP_TEST_KUBECONFIG"):
            ask("kubelet")
