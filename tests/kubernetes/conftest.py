"""A real Kubernetes for these tests, shared by all of them: a test leaves it as it was."""

import os
from collections.abc import Iterator

import pytest

from tests.kubernetes.cluster import Cluster, Given, Unavailable


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster | Given]:
    kubernetes = Given.from_environment() or Cluster()
    try:
        kubernetes.__enter__()
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            raise  # there nothing that could have run may skip
        pytest.skip(str(reason))
    yield kubernetes
    kubernetes.__exit__(None, None, None)
