"""The official chart for the tests: found, rendered with our values, installed in a namespace of its own.

MCP_TEST_CHART is a folder with the chart (``chart/`` of Airflow's repository, or an unpacked release). helm is the PATH's,
or the one that ``GOBIN=~/.cache/airflow-mcp-provider/bin go install helm.sh/helm/v3/cmd/helm@v3.19.4`` makes.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mcp_provider.client.airflow_rest import Api
from tests.containers.engine import CACHE, output
from tests.containers.stand_in import postgres_name

NAME = "airflow"  # the values count on it
TEMPLATE = ["--set-file", "podTemplate=helm-values/pod_template.yaml"]
HELM_TIMEOUT = 1200  # seconds: two cores start a dozen Airflows
RUNNERS = Path("helm-values/runners.yaml")
DATABASE = Path(__file__).parent / "database.yaml"


def helm() -> str:
    return shutil.which("helm", path=f"{os.environ['PATH']}:{CACHE / 'bin'}") or ""


def chart(folder: Path) -> Path:
    """Copy the chart, without a dependency that is not beside it: our values need none."""
    if not (given := os.environ.get("MCP_TEST_CHART")):
        pytest.skip("MCP_TEST_CHART names no folder with the official chart")
    if not helm():
        pytest.skip("no helm in the PATH or in the cache; see the first lines of tests/kubernetes/chart/release.py")
    copied = Path(shutil.copytree(given, folder / "chart"))
    about = yaml.safe_load((copied / "Chart.yaml").read_text())
    if not [*(copied / "charts").glob("postgresql*")]:  # a checkout has the folder, and nothing of use in it
        about.pop("dependencies", None)
        (copied / "Chart.lock").unlink(missing_ok=True)
        (copied / "Chart.yaml").write_text(yaml.safe_dump(about))
    return copied


def render(where: Path, values: str, *options: str) -> list[dict[str, Any]]:
    """Give the objects that an installation would make."""
    argv = [helm(), "template", NAME, str(where), "--namespace", NAME, "--values", f"helm-values/{values}.yaml"]
    return [each for each in yaml.safe_load_all(output([*argv, *TEMPLATE, *options])) if each]


@dataclass
class Release:
    """The chart in a namespace, as docs/deploy.md installs it."""

    cluster: Any
    where: Path
    namespace: str
    values: str
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        kubectl = Path(self.cluster._program()).parent
        own = {"KUBECONFIG": str(self.cluster.kubeconfig), "PATH": f"{kubectl}:{os.environ['PATH']}"}
        self.environment = {**os.environ, **own}

    @property
    def space(self) -> str:
        """The namespace of the runners: their own in production."""
        return self.namespace if self.values == "small" else f"{self.namespace}-runners"

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        return str(self.cluster.kubectl("--namespace", self.namespace, *arguments, given=given))

    def script(self, *arguments: str) -> str:
        return output(["scripts/cluster-secrets", self.namespace, *arguments], self.environment)

    def helm(self, *arguments: str) -> str:
        return output([helm(), "--namespace", self.namespace, *arguments], self.environment, HELM_TIMEOUT)

    def install(self, *options: str) -> None:
        """Install it, or upgrade it; back when all pods are ready."""
        values = ["--values", f"helm-values/{self.values}.yaml", *TEMPLATE, *self.options, *options]
        wait = ["--wait", "--timeout", f"{HELM_TIMEOUT - 60}s"]
        self.helm("upgrade", "--install", NAME, str(self.where), *values, *wait)

    def add_database(self, logs: Path) -> None:
        """Make the Postgres and the volume of logs, which are the user's own."""
        logs.mkdir()
        logs.chmod(0o777)
        filled = DATABASE.read_text().replace("@POSTGRES@", postgres_name()).replace("@LOGS@", str(logs))
        self.kubectl("apply", "--filename", "-", given=filled.replace("@VOLUME@", f"logs-{self.namespace}"))
        if self.space != self.namespace:
            claim = filled.partition("---\n")[2].partition("---\n")[2].replace("@VOLUME@", f"logs-{self.space}")
            self.cluster.kubectl("--namespace", self.space, "apply", "--filename", "-", given=claim)

    def add_space(self) -> None:
        """Make the namespace of the runners, under the name that goes with this one's."""
        text = RUNNERS.read_text().replace("airflow-runners", self.space)
        self.cluster.kubectl(
            "apply", "--filename", "-", given=text.replace("namespace: airflow}", f"namespace: {self.namespace}}}")
        )

    def secrets(self) -> dict[str, dict[str, str]]:
        found = json.loads(self.kubectl("get", "secrets", "--output", "json"))["items"]
        return {each["metadata"]["name"]: each["data"] for each in found if each["type"] == "Opaque"}

    def secret(self, name: str, key: str) -> str:
        return base64.b64decode(self.secrets()[name][key]).decode()

    def pods(self, labels: str, namespace: str = "") -> list[dict[str, Any]]:
        asked = ("--namespace", namespace or self.namespace, "get", "pods", "-l", labels, "--output", "json")
        found: list[dict[str, Any]] = json.loads(self.cluster.kubectl(*asked))["items"]
        return found

    def runners(self) -> list[dict[str, Any]]:
        return self.pods("component=worker", self.space)

    @contextmanager
    def api(self, password: str) -> Iterator[Api]:
        service = json.loads(self.kubectl("get", "service", f"{NAME}-api-server", "--output", "json"))
        with closing(Api(f"http://{service['spec']['clusterIP']}:8080", "admin", password)) as found:
            yield found

    def remove(self) -> None:
        self.helm("uninstall", NAME, "--ignore-not-found")
        for each in {self.namespace, self.space}:
            self.cluster.kubectl("delete", "namespace", each, "--ignore-not-found", "--wait=true")
            self.cluster.kubectl("delete", "persistentvolume", f"logs-{each}", "--ignore-not-found")
