"""What a machine must give, and what is said where it does not; what is made once, and how."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kubernetes.cluster import Cluster, Given, Unavailable, build
from tests.kubernetes.cluster.cache import cached

ROOT = Path(__file__).parents[2]
NOBODY = 65534
MAKER = """
import sys, time
from pathlib import Path
from tests.kubernetes.cluster.cache import cached

def make(folder):
    time.sleep(0.5)
    (folder / sys.argv[1]).touch()

print(cached("thing", [b"of", b"these"], make))
"""


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def no_root():
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


def test_without_root_there_is_no_cluster(no_root):
    with pytest.raises(Unavailable, match="needs root"):
        Cluster().__enter__()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lose a right of root's")
def test_without_the_right_to_make_namespaces_there_is_no_cluster():
    lost = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    make = "from tests.kubernetes.cluster.node import Node; Node.make()"
    done = subprocess.run([*lost, sys.executable, "-c", make], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Unavailable: a node needs namespaces of its own" in done.stderr


def test_without_go_there_is_no_cluster(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="no `go` on PATH"):
        build.kubernetes()


def test_a_thing_is_made_once_for_the_same_ingredients(tmp_path):
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKER, name], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    folders = {maker.communicate()[0] for maker in makers}
    assert len(folders) == 1
    assert len(list(Path(folders.pop().strip()).iterdir())) == 1
    other = cached("thing", [b"ofthese"], lambda folder: (folder / "x").touch())
    assert len(list(other.parent.glob("thing-*"))) == 2


def test_a_thing_that_could_not_be_made_leaves_nothing(tmp_path):
    def fail(folder):
        (folder / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cached("thing", [], fail)
    assert not list(tmp_path.rglob("half"))
    assert cached("thing", [], lambda folder: (folder / "x").touch()).is_dir()


def test_the_version_that_programs_tell_is_the_one_that_is_built():
    assert "gitVersion=v1.34.4" in build.version()
    assert "gitMinor=34" in build.version()


def test_a_given_cluster_must_be_told_whole(monkeypatch):
    monkeypatch.delenv("MCP_TEST_KUBECONFIG", raising=False)
    assert Given.from_environment() is None
    monkeypatch.setenv("MCP_TEST_KUBECONFIG", "admin.conf")
    monkeypatch.setenv("MCP_TEST_HOST", "172.18.0.1")
    monkeypatch.delenv("MCP_TEST_LOAD_IMAGE", raising=False)
    with pytest.raises(ValueError, match="MCP_TEST_LOAD_IMAGE must be"):
        Given.from_environment()
