"""docs/deploy.md: what its commands name is there. They are run by tests/containers and tests/kubernetes."""

import re
from pathlib import Path

import pytest
import yaml

from airflow_mcp_provider.factory.pod.models import wrong

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/deploy.md").read_text()
CONSOLE = "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ")
COMMANDS = [line.removeprefix("$ ").partition("   # ")[0] for line in CONSOLE.splitlines() if line.startswith("$ ")]
SCRIPT = (ROOT / "scripts/cluster-secrets").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())


def test_there_are_commands_of_every_way():
    assert {command.split()[0] for command in COMMANDS} == {
        "cat", "docker", "helm", "kind", "kubectl", "scripts/cluster-secrets", "scripts/secrets", "sed",
    }  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_files_of_commands_are_there(command):
    for path in re.findall(r"(?:^|[ =])((?:scripts|helm-values)/[\w.-]+)", command):
        assert (ROOT / path).exists(), path


def test_a_cluster_is_installed_as_the_values_say():
    """The command in the head of each file of values is the one of the docs."""
    for values in ("small", "production"):
        head = (
            (ROOT / f"helm-values/{values}.yaml").read_text().split("\n\n")[0].replace("# ", "").replace(" \\\n", " ")
        )
        words = {
            word for word in head.split() if word.startswith(("--values", "--set-file", "helm-values/", "podTemplate="))
        }
        (told,) = [command for command in COMMANDS if f"helm-values/{values}.yaml" in command]
        assert words <= set(told.split()), values


def test_services_of_compose_are_there():
    named = set(re.findall(r"docker compose (?:exec|logs) ([\w-]+)", PAGE))
    assert named
    assert named <= set(COMPOSE["services"])


def test_secrets_are_the_ones_of_the_script():
    table = dict(re.findall(r"^\| (`airflow-[^|]+) \| ([^|]+) \|", PAGE, re.MULTILINE))
    rows = [(re.findall(r"`([^`]+)`", names), re.findall(r"`([^`]+)`", keys)) for names, keys in table.items()]
    assert len(rows) == 5
    for names, keys in rows:
        for name, key in zip(names, keys, strict=False):
            assert f"make {name} {key} " in SCRIPT
    made = set(re.findall(r"make (airflow-[\w-]+) ", SCRIPT))
    assert made - {name for names, _ in rows for name in names} == {
        "airflow-postgresql",
        "airflow-passwords",
    }  # small.yaml's


def test_the_claim_fits_the_models():
    claim = yaml.safe_load((ROOT / "helm-values/kind-logs.yaml").read_text())
    assert list(wrong(claim, "V1PersistentVolumeClaim", ())) == []
    assert claim["metadata"]["name"] == "airflow-logs"


def test_the_example_of_an_image_is_one():
    (text,) = re.findall(r"```dockerfile\n(.*?)```", PAGE, re.DOTALL)
    assert [line.split()[0] for line in text.splitlines()] == ["FROM", "RUN", "COPY"]
    assert "/home/airflow/constraints.txt" in (ROOT / "Dockerfile").read_text()
