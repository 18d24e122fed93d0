"""An image with Airflow and this project, for machines where no engine can build the Dockerfile.

It holds the Python that runs the tests, at the same path, the packages of ``constraints.txt``, this project as pip
installs it, and DAGs: each a layer, the ones that seldom change first, so that a change of code costs seconds.
What people run is built from the Dockerfile; of that image this one has the user, the paths and the programs that the
official chart calls.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

from tests.kubernetes.cluster.cache import cached
from tests.kubernetes.cluster.images import Image, Layer, archive, busybox, made
from tests.kubernetes.cluster.packages import program

NAME = "localhost/airflow-mcp-provider:test"
ROOT = Path(__file__).parents[3]
SOURCES = ("constraints.txt", "pyproject.toml")
DRIVERS = ("asyncpg", "psycopg2-binary")  # of Postgres, as the image of the Dockerfile has them
USER = 50000  # as in the official image; its group is root's, so that a cluster may choose another user
HOME = "/opt/airflow"
VENV = "/opt/venv"
PYTHON = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
PACKAGES = f"{VENV}/lib/{PYTHON.name}/site-packages"
# Of the standard library: what no program needs, and packages of the machine.
SKIP = ("__phello__", "config-*", "*-packages", "ensurepip", "idlelib", "test", "tests", "tkinter", "turtledemo")
ENV = {
    "AIRFLOW_HOME": HOME,
    "HOME": HOME,
    "LANG": "C.UTF-8",
    "PATH": f"{VENV}/bin:/bin",
    "PYTHONUNBUFFERED": "1",
}
AIRFLOW = f"#!{VENV}/bin/python\nfrom airflow.__main__ import main\n\nmain()\n"
# The official chart calls these two: its probes, and the containers that remove old logs.
ENTRYPOINT = '#!/bin/sh\nexec "$@"\n'
CLEAN_LOGS = """#!/bin/sh
while sleep 900; do
  find "$AIRFLOW_HOME/logs" -type f -name "*.log" -mtime "+${AIRFLOW__LOG_RETENTION_DAYS:-15}" -delete
done
"""


def airflow_image(out: Path, dags: Path | None = None) -> str:
    """Write the image to ``out``, with what is in ``dags`` as its DAGs, and give its name."""
    ingredients = [*((ROOT / name).read_bytes() for name in SOURCES), str(PYTHON).encode(), Path(__file__).read_bytes()]
    base = cached("airflow-image", ingredients, _base)
    with tempfile.TemporaryDirectory() as work:
        layers = [base / "python.tar", base / "packages.tar", _project(Path(work))]
        if dags is not None:
            layers.append(made(Path(work, "dags.tar"), lambda new: new.copy(dags, f"{HOME}/dags", ("__pycache__",))))
        archive(out, Image(NAME, layers, ("airflow", "version"), ENV, str(USER)))
    return NAME


def _base(folder: Path) -> None:
    """Make the layers that depend on no code of this project."""
    venv = folder / "venv"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    _pip("--target", str(venv), "--constraint", str(ROOT / "constraints.txt"), *project["dependencies"], *DRIVERS)
    loaded = [Path(sysconfig.get_path("stdlib"), "lib-dynload"), venv]
    modules = [path for place in loaded for path in place.rglob("*.so*") if not path.name.startswith("_tkinter")]
    made(folder / "python.tar", lambda new: _python(new, modules))
    made(folder / "packages.tar", lambda new: new.copy(venv, PACKAGES))
    shutil.rmtree(venv)


def _python(new: Layer, modules: list[Path]) -> None:
    busybox(new)
    for parent in reversed(PYTHON.parents[:-1]):
        new.folder(str(parent))
    stdlib = sysconfig.get_path("stdlib")
    new.copy(Path(stdlib), stdlib, SKIP)
    bash = Path(program("bash"))  # the chart's commands need it
    new.copy(bash.resolve(), "/bin/bash")
    new.programs([PYTHON], needed_by=[bash, *modules])
    _venv(new)
    for name in ("", "/config", "/dags", "/logs"):
        new.folder(f"{HOME}{name}", 0o775, USER)
    new.text("/entrypoint", ENTRYPOINT, 0o755)
    new.text("/clean-logs", CLEAN_LOGS, 0o755)


def _venv(new: Layer) -> None:
    """Make Python find the packages; they were installed at another path, so no script of theirs would work."""
    new.text(f"{VENV}/pyvenv.cfg", f"home = {PYTHON.parent}\ninclude-system-site-packages = false\n")
    for name in ("python", "python3", PYTHON.name):
        new.link(f"{VENV}/bin/{name}", str(PYTHON))
    new.text(f"{VENV}/bin/airflow", AIRFLOW, 0o755)


def _project(work: Path) -> Path:
    """Make the layer of this project, as a user's `pip install` would."""
    target = work / "project"
    _pip("--target", str(target), "--no-deps", str(ROOT))
    return made(work / "project.tar", lambda new: new.copy(target, PACKAGES))


def _pip(*arguments: str) -> None:
    """Install, compiled: without that every pod would compile all of Airflow."""
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--compile-bytecode", *arguments]
    else:
        command = [sys.executable, "-m", "pip", "install", "--quiet", *arguments]
    subprocess.run(command, check=True)
