"""Functions that belong to Celery, RQ, Prefect, dag-factory: run by their own libraries, and here.

In an environment apart, because Prefect wants other versions than Airflow's other libraries do, and dag-factory puts
a plugin into every process of Airflow that finds it installed. It is made once and kept in ``.venv``.
"""

import os
import subprocess
import sys
import zlib
from pathlib import Path
from shutil import which

import pytest

ROOT = Path(__file__).parents[2]
PINS = ROOT / "tests" / "peers" / "requirements.txt"
PLACE = Path(sys.prefix) / "peers"


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of the peers' environment."""
    program, made = PLACE / "bin" / "python", PLACE / "made"
    wanted = f"{zlib.crc32(PINS.read_bytes())} {sys.version}"
    if not made.exists() or made.read_text() != wanted:
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", *([] if not which("uv") else ["--without-pip"]), PLACE],
            check=True,
        )
        for arguments in (["-r", PINS], ["--no-deps", "--editable", ROOT]):
            subprocess.run([*_installer(program), *map(str, arguments)], check=True)
        made.write_text(wanted)
    return program


def _installer(python: Path) -> list[str]:
    if uv := which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    # Not compiled, as with uv: the tests import a small part of it.
    return [str(python), "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("side", ["their", "our"])
def test_the_same_job_on_both_sides(python: Path, side: str) -> None:
    tests = ROOT / "tests" / "peers" / f"test_{side}_side.py"
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW_", "VIRTUAL_ENV", "MCP_TEST_FAILED"))
    }
    done = subprocess.run(
        [python, "-m", "pytest", "-q", tests], cwd=ROOT, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
