"""The image made of our Dockerfile, for the tests of containers and of Kubernetes.

    with engine() as docker:
        build_image(docker, "airflow-mcp:latest")
        save_image(docker, "airflow-mcp:latest", Path("airflow-mcp.tar"))

From a shell: ``python -m tests.containers.images airflow-mcp:latest airflow-mcp.tar [PACKAGE …]``
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.containers import stand_in
from tests.containers.engine import BUILD, ROOT, Engine, engine


def build_image(docker: Engine, tag: str, *packages: str) -> str:
    """Build it under a name, with further packages from PyPI; give its id."""
    stand_in.provide(docker)
    arguments = ["--build-arg", f"PACKAGES={' '.join(packages)}"] if packages else []
    docker.run("build", "--quiet", "--tag", tag, *arguments, str(ROOT), timeout=BUILD)
    return docker.run("image", "inspect", "--format", "{{.Id}}", tag).strip()


def save_image(docker: Engine, tag: str, path: Path) -> Path:
    """Write it as an archive that ``docker load`` and ``ctr images import`` read."""
    docker.run("save", "--output", str(path), tag, timeout=BUILD)
    return path


def main(tag: str, path: str, *packages: str) -> None:
    with engine() as docker:
        print(build_image(docker, tag, *packages))  # noqa: T201 - the command's output
        save_image(docker, tag, Path(path).resolve())


if __name__ == "__main__":
    main(*sys.argv[1:])
