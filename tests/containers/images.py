"""The image made of our Dockerfile, for the tests of containers and of Kubernetes.

    with engine() as docker:
        build_image(docker, "airflow-mcp:latest")
        save_image(docker, "airflow-mcp:latest", Path("airflow-mcp.tar"))

From a shell: ``python -m tests.containers.images airflow-mcp:latest airflow-mcp.tar [PACKAGE …]``
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from airflow_mcp_provider.embedded.database import replacing
from tests.containers import stand_in
from tests.containers.engine import BUILD, CACHE, ROOT, Engine, engine

IMAGE = "airflow-mcp:latest"  # the name in docker-compose.yaml
SOURCES = ("Dockerfile", "LICENSE", "README.md", "airflow_mcp_provider", "constraints.txt", "dags", "pyproject.toml")


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


def archive() -> Path:
    """Give the image as an archive; made once for what is in it, for it takes minutes."""
    kept = _kept()  # before it is built: somebody may edit a file meanwhile
    if not kept.exists():
        with engine() as docker:
            build_image(docker, IMAGE)
            keep(docker, kept)
    return kept


def keep(docker: Engine, kept: Path | None = None) -> None:
    """Keep the image that was built as an archive outside of the tree."""
    if not (kept := kept or _kept()).exists():
        with replacing(kept) as fresh:
            save_image(docker, IMAGE, fresh)


def _kept() -> Path:
    return CACHE / f"image-{_content()}.tar"


def _content() -> str:
    """Name what the image is made of."""
    sources = [
        path for name in SOURCES for path in ([ROOT / name] if (ROOT / name).is_file() else _inside(ROOT / name))
    ]
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _inside(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def main(tag: str, path: str, *packages: str) -> None:
    with engine() as docker:
        print(build_image(docker, tag, *packages))  # noqa: T201 - the command's output
        save_image(docker, tag, Path(path).resolve())


if __name__ == "__main__":
    main(*sys.argv[1:])
