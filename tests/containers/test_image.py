"""The image made of our Dockerfile: who runs in it, what is in it, what is not."""

import json

from airflow_mcp_provider.embedded import recommended_settings
from tests.containers.engine import ROOT

# A .pyc is valid when it names its source's time and size; Python would compile the source again at each start.
STALE = """
import importlib.util, pathlib, struct, sysconfig
def valid(source):
    try:
        flags, time, size = struct.unpack("<4xIII", pathlib.Path(importlib.util.cache_from_source(source)).read_bytes()[:16])
    except (FileNotFoundError, NotADirectoryError):
        return False
    stat = source.stat()
    return (flags, time, size) == (0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF)
folders = {sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), "/opt/airflow/dags"}
skipped = ("/test/", "/tests/", "/lib2to3/", "dist-packages", "/venv/scripts/", "config-3.")
sources = [s for f in folders for s in pathlib.Path(f).rglob("*.py") if not any(part in str(s) for part in skipped)]
stale = [str(s) for s in sources if not valid(s)]
print(len(sources), *stale[:10], sep="\\n")
"""


def run(docker, image, *command, options=()):
    environment = ("--env", "CONNECTION_CHECK_MAX_COUNT=0")  # no database here to be waited for
    return docker.run("run", "--rm", *environment, *options, image, *command, timeout=300)


def test_runs_as_nobody_special(docker, image):
    assert run(docker, image, "bash", "-c", "id -u; id -g").split() == ["50000", "0"]
    (inspected,) = json.loads(docker.run("image", "inspect", image))
    assert inspected["Config"]["User"] == "50000"  # a number: Kubernetes cannot tell whether a name is root


def test_everything_is_compiled(docker, image):
    number, *stale = run(docker, image, "python", "-c", STALE).split()
    assert int(number) > 4000
    assert not stale


def test_the_provider_is_active_where_nothing_can_be_written(docker, image):
    found = run(docker, image, "mcp", "check", "--output", "json", options=("--read-only", "--tmpfs=/tmp"))
    needed = [finding for finding in json.loads(found) if finding["needed"]]
    assert needed
    assert all(finding["ok"] for finding in needed), needed


def test_any_other_user_of_group_root_can_run_it(docker, image):
    assert (
        run(docker, image, "version", options=("--user", "12345:0", "--read-only", "--tmpfs=/tmp")).strip() == "3.3.2"
    )


def test_the_jobs_are_in_it(docker, image):
    done = run(docker, image, "mcp", "validate", "/opt/airflow/dags/jobs")
    assert "inventory" in done


def test_no_secret_and_no_setting_of_the_build_machine_is_in_it(docker, image, project):
    history = docker.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    assert not [word for word in ("password", "secret", "token", "pip.conf", "index") if word in history.lower()]
    (inspected,) = json.loads(docker.run("image", "inspect", image))
    assert not set(recommended_settings.environment()) & {
        line.partition("=")[0] for line in inspected["Config"]["Env"]
    } - {
        "AIRFLOW__CORE__LOAD_EXAMPLES"  # the base's own
    }


def test_only_what_is_needed_reaches_the_build(docker, image):
    found = run(docker, image, "bash", "-c", "cd /opt/airflow && find . -maxdepth 2 ! -name __pycache__").split()
    jobs = {f"./dags/{path.name}" for path in (ROOT / "dags").iterdir() if path.name != "__pycache__"}
    assert set(found) == {".", "./airflow.cfg", "./dags", "./logs", *jobs}


def test_an_edited_job_costs_one_small_layer(docker, image, told):
    sizes = docker.run("history", "--format", "{{.Size}}\t{{.CreatedBy}}", "--human=false", image).splitlines()
    rows = [(int(size), by) for size, _, by in (line.partition("\t") for line in sizes)]
    size, by = next(row for row in rows if row[0])
    assert "COPY" in by
    assert size < 1_000_000
    ours = rows[: next(n for n, (_, by) in enumerate(rows) if "CMD []" in by)]
    told.append(
        f"{image} has {sum(size for size, _ in rows) / 1e6:.0f} MB, {sum(size for size, _ in ours) / 1e6:.0f} over its base"
    )
