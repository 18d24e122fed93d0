"""One engine and one image for all tests of containers, and a project folder as a stranger has it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.engine import ROOT, Engine, engine, missing
from tests.containers.images import IMAGE, build_image, keep

# What building and starting needs, and no more: no .git, no .venv, and above all not the secrets that may lie there.
FILES = (
    ".dockerignore", "Dockerfile", "LICENSE", "README.md", "airflow_mcp_provider", "constraints.txt", "dags",
    "docker-compose.yaml", "pyproject.toml", "scripts",
)  # fmt: skip
TOLD = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TOLD] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash[TOLD]:
        terminalreporter.write_line(f"containers: {line}")


@pytest.fixture(scope="session")
def told(request) -> list[str]:
    """Lines for the end of the output."""
    return request.config.stash[TOLD]


@pytest.fixture(scope="session")
def docker(told) -> Iterator[Engine]:
    if reason := missing():
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    with engine() as found:
        if found.own:
            told.append("the official images of Airflow and Postgres were replaced by stand-ins of Debian's packages")
        yield found


@pytest.fixture(scope="session")
def image(docker) -> str:
    build_image(docker, IMAGE)
    keep(docker)  # the tests on Kubernetes use it, too
    return IMAGE


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A copy of the project."""
    folder = tmp_path_factory.mktemp("containers") / "project"
    folder.mkdir()
    for name in FILES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder)
    return folder
