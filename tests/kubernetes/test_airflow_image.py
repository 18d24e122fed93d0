"""The image that is made where no engine is: Airflow runs in it as in the one of the Dockerfile."""

import pytest

from tests.kubernetes.cluster.airflow_image import NAME, ROOT, airflow_image

# Every module's compiled form must be the one that Python would take: else each pod compiles all of Airflow.
COMPILED = """
import importlib.util, pathlib, struct, sys

def valid(source):
    compiled = pathlib.Path(importlib.util.cache_from_source(source))
    state = source.stat()
    return compiled.exists() and struct.unpack("<II", compiled.read_bytes()[8:16]) == (int(state.st_mtime), state.st_size)

sources = [source for root in {sys.prefix, sys.base_prefix} for source in pathlib.Path(root, "lib").rglob("*.py")]
print(len(sources) > 5000, [str(source) for source in sources if not valid(source)])
"""


@pytest.fixture(scope="module")
def image(cluster, tmp_path_factory):
    tar = tmp_path_factory.mktemp("image") / "airflow.tar"
    name = airflow_image(tar, ROOT / "dags")
    cluster.load_image(tar)
    tar.unlink()
    return name


def said(pods, command, **more):
    pods.run(
        "airflow",
        command,
        container={"image": NAME, **more},
        securityContext={"runAsNonRoot": True, "runAsUser": 50000},
    )
    end = pods.ended("airflow")
    assert end.exit_code == 0, pods.log("airflow")
    return pods.log("airflow")


def test_airflow_knows_this_project(image, pods):
    assert image == NAME
    assert "airflow-mcp-provider" in said(pods, "id -u; airflow providers list --output plain")


def test_the_dags_are_in_their_folder(image, pods):
    names = {path.name for path in (ROOT / "dags").iterdir() if path.name != "__pycache__"}
    assert set(said(pods, "ls -A $AIRFLOW_HOME/dags").split()) == names


def test_everything_is_compiled(image, pods):
    assert said(pods, f"python - <<'E'\n{COMPILED}E") == "True []\n"


def test_what_the_chart_calls_is_there(image, pods):
    assert said(pods, "/entrypoint bash -c 'exec echo $0' && test -x /clean-logs") == "bash\n"


def test_its_folders_can_be_written_and_nothing_else(image, pods):
    touch = "cd /opt/airflow && touch airflow.cfg logs/log config/config && touch /opt/venv/new || echo refused"
    assert "refused" in said(pods, touch)
