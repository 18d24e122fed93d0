"""A real Kubernetes for these tests, shared by all of them: a test leaves it as it was."""

import os
from collections.abc import Iterator

import pytest

from tests.kubernetes.cluster import Cluster, Unavailable


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    try:
        started = Cluster().__enter__()
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            raise  # there nothing that could have run may skip
        pytest.skip(str(reason))
    with started:
        yield started
