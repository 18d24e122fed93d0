"""A real Kubernetes for these tests, shared by all of them: a test leaves it as it was."""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.containers.engine import missing
from tests.containers.images import IMAGE, archive
from tests.kubernetes.cluster import Cluster, Given, Unavailable, prepare
from tests.kubernetes.cluster.airflow_image import airflow_image
from tests.kubernetes.pods import Pods, namespace
from tests.kubernetes.runners import OneAirflow, Runners, airflow_on
from tests.sizes import CALM

SLOTS = 8
QUICK = {**CALM, "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5"}
"""The executor lists pods often, and so in every outage."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build before the first test, whose time limit is for a test."""
    wanted = any("cluster" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly and not Given.from_environment():
        with suppress(Unavailable):  # told by the fixture
            prepare()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    yield from skipped()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    yield from skipped()


def skipped() -> Iterator[None]:
    """Skip what cannot run here, but not in CI, where it could."""
    try:
        yield
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster | Given]:
    """The cluster that the environment tells of, else one of our own."""
    with Given.from_environment() or Cluster() as kubernetes:
        yield kubernetes


@pytest.fixture
def pods(cluster: Cluster | Given) -> Iterator[Pods]:
    """Pods in a namespace of the test's own."""
    with namespace(cluster.client()) as own:
        yield own


@pytest.fixture(scope="session")
def image(cluster: Cluster | Given, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the runners, loaded into the cluster; MCP_TEST_IMAGE=NAME=TAR gives one that is there already."""
    if given := os.environ.get("MCP_TEST_IMAGE"):
        name, _, tar = given.rpartition("=")
    elif missing():
        tar = str(tmp_path_factory.mktemp("image") / "airflow.tar")
        name = airflow_image(Path(tar))
    else:
        name, tar = f"docker.io/library/{IMAGE}", str(archive())
    cluster.load_image(Path(tar))
    return name


@pytest.fixture(scope="session")
def one_airflow() -> Iterator[OneAirflow]:
    """One at a time: their pods are in one namespace."""
    one = OneAirflow()
    yield one
    one.end()


@pytest.fixture(scope="module")
def runners(cluster: Cluster | Given, image: str, one_airflow: OneAirflow) -> Runners:
    """An Airflow whose runners are pods, ``SLOTS`` at once; it goes on in the next module that asks for it."""
    return one_airflow.get("runners", partial(airflow_on, cluster, image, parallelism=SLOTS, env=QUICK))
