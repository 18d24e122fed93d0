"""Stand-ins for the official images of Airflow and Postgres, where no registry can be reached.

Made of Debian's packages and of PyPI's (3 minutes), kept as an archive in the user's cache, and given to an engine of
our own under the names that Dockerfile and docker-compose.yaml have in them. What is shown with them is shown of *our*
files, not of the official images.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.containers.engine import BUILD, CACHE, ROOT, Engine, output
from tests.sizes import patient

FILES = Path(__file__).parent / "stand_in"
DEBIAN = "bookworm"  # its Python is the one in the base image's tag
PROGRAMS = "python3,python3-venv,dumb-init,ca-certificates,curl"
# What pip needs on a machine that reaches PyPI through something of its own. It gets into the stand-in and no further.
OF_THE_MACHINE = ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf")


def airflow_name() -> str:
    """Read the base image's name where it stands."""
    return re.findall(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0]


def postgres_name() -> str:
    """Read the database image's name where it stands."""
    return re.findall(r"^ *image: (postgres:\S+)$", (ROOT / "docker-compose.yaml").read_text(), re.MULTILINE)[0]


def provide(docker: Engine) -> None:
    """Give an engine of our own the images; any other gets the official ones by itself."""
    if not docker.own:
        return
    archive = CACHE / f"stand-in-{fingerprint()}.tar"
    if archive.exists():
        docker.run("load", "--quiet", "--input", str(archive), timeout=BUILD)
        return
    build(docker)
    CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(".part")
    docker.run("save", "--output", str(unfinished), airflow_name(), postgres_name(), timeout=BUILD)
    unfinished.rename(archive)


def fingerprint() -> str:
    """Name what a stand-in is made of."""
    parts = [airflow_name(), postgres_name(), DEBIAN, PROGRAMS, (ROOT / "constraints.txt").read_text()]
    parts += [path.read_text() for path in sorted(FILES.iterdir())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def build(docker: Engine) -> None:
    with tempfile.TemporaryDirectory(prefix="mcp-stand-in-") as folder:
        context = Path(folder)
        debian(docker, context / "rootfs")
        shutil.rmtree(context / "rootfs")
        for path in (*FILES.iterdir(), ROOT / "constraints.txt"):
            shutil.copy(path, context)
        version = re.findall(r"^apache-airflow==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[0]
        image(docker, context, "airflow", airflow_name(), f"AIRFLOW_VERSION={version}")
        image(docker, context, "postgres", postgres_name())


def debian(docker: Engine, rootfs: Path) -> None:
    output(["debootstrap", "--variant=minbase", f"--include={PROGRAMS}", DEBIAN, str(rootfs)], timeout=BUILD)
    for name in OF_THE_MACHINE:
        if Path("/", name).exists():
            shutil.copy(Path("/", name), rootfs / name)
    for package in (rootfs / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    with subprocess.Popen(["tar", "--create", "--directory", str(rootfs), "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(
            ["docker", "import", "-", "stand-in-debian"],
            env=docker.env,
            stdin=tar.stdout,
            check=True,
            timeout=patient(BUILD),
        )


def image(docker: Engine, context: Path, kind: str, name: str, *arguments: str) -> None:
    options = [word for argument in arguments for word in ("--build-arg", argument)]
    file = str(context / f"{kind}.Dockerfile")
    docker.run("build", "--quiet", "--tag", name, "--file", file, *options, str(context), timeout=BUILD)
