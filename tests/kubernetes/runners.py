"""A real Airflow on this machine whose runners are pods of the test cluster: what a user has, but for Airflow's own pods.

API server, scheduler and DAG processor are processes that a test can kill; they use the cluster as any Airflow outside of
it would. The pods' template is the one that users get, with this machine's folders for DAGs and logs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import CoreV1Api

from airflow_mcp_provider.embedded import recommended_settings
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import patient

NAMESPACE = "airflow"
DAGS = Path(__file__).parent / "dags"
DATA = "/data"
JOB = "mcp/job"
TEMPLATE = Path(__file__).parent / "pod_template.yaml"
EXECUTORS = "KubernetesExecutor,LocalExecutor"


@dataclass(frozen=True)
class Runners:
    """The Airflow and its pods."""

    airflow: Embedded
    core: CoreV1Api
    data: Path
    """A folder of this machine, which the pods see as ``DATA``."""

    def pods(self, **labels: str) -> list[Any]:
        """Give the pods of jobs that are there."""
        wanted = ",".join([JOB, *(f"{name.replace('_', '/', 1)}={value}" for name, value in labels.items())])
        return self.core.list_namespaced_pod(NAMESPACE, label_selector=wanted).items

    def pod_of(self, run_id: str, map_index: int = 0, phase: str | None = None, timeout: float = 120) -> Any:
        """Wait for the pod of a subtask, in ``phase`` where one is given."""

        def find() -> Any:
            for pod in self.pods():
                told = pod.metadata.annotations
                mine = told["run_id"] == run_id and told.get("map_index") == str(map_index)
                if mine and phase in (None, pod.status.phase) and not pod.metadata.deletion_timestamp:
                    return pod
            return None

        return until(f"the pod of {run_id}[{map_index}] in {phase}", find, timeout)

    def none_left(self, timeout: float = 90) -> None:
        """Wait until no pod of ours is left."""
        until("no pod", lambda: not self.pods(), timeout)

    def none_left_of(self, *runs: str, timeout: float = 90) -> None:
        """Wait until no pod of these runs is left."""
        until("no pod", lambda: not [pod for pod in self.pods() if pod.metadata.annotations["run_id"] in runs], timeout)

    def running(self, job: str, run_id: str) -> int:
        """Count the subtasks that run."""
        instances = self.airflow.api.task_instances(job, run_id)
        return sum(one["task_id"] == "run" and one["state"] == "running" for one in instances)

    def result(self, job: str, run_id: str, key: str = "return_value") -> Any:
        """Give the report's result."""
        return self.airflow.api.xcom(job, run_id, "report", key)

    def alive(self) -> bool:
        """Whether every process of Airflow still runs."""
        return all(process.poll() is None for process in self.airflow.processes.running.values())

    def told(self, job: str, run_id: str, map_index: int = 0) -> dict[str, Any]:
        """Give what is kept of a subtask's pod."""
        found: dict[str, Any] = self.airflow.api.state_store(job, run_id, "run", map_index).get("pod", {})
        return found


def until(what: str, look: Callable[[], Any], timeout: float = 120) -> Any:
    """Look until it is there."""
    end = time.monotonic() + patient(timeout)
    while not (found := look()):
        assert time.monotonic() < end, f"waited {timeout:.0f} s in vain for {what}"
        time.sleep(0.1)
    return found


class OneAirflow:
    """Keeps an Airflow until another one is asked for: a start costs 20 seconds of a processor."""

    def __init__(self) -> None:
        self._name = ""
        self._stack = ExitStack()
        self._runners: Runners | None = None

    def get(self, name: str, start: Callable[[], AbstractContextManager[Runners]]) -> Runners:
        """Give the one of this name."""
        if self._runners is None or self._name != name:
            self.end()
            self._runners, self._name = self._stack.enter_context(start()), name
        return self._runners

    def end(self) -> None:
        """End the one that runs."""
        self._runners = None
        self._stack.close()


@contextmanager
def airflow_on(
    cluster: Any, image: str, *, dags: Path = DAGS, env: Mapping[str, str] | None = None, **more: Any
) -> Iterator[Runners]:
    """Start an Airflow whose subtasks are pods of ``image``."""
    core = cluster.client()
    cluster.kubectl(
        "apply",
        "-f",
        "-",
        given=yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
    )
    place = Path(tempfile.mkdtemp(prefix="mcp-runners-"))
    place.chmod(0o755)
    template = place / "pod.yaml"
    embedded = Embedded(
        dags=dags, host=cluster.host, env={**_executor(cluster, template, image), **(env or {})}, **more
    )
    logs, data = place / "logs", place / "data"
    for folder in (logs, data):
        folder.mkdir()
        folder.chmod(0o777)
    folders = {"dags": (dags, "/opt/airflow/dags"), "logs": (logs, "/opt/airflow/logs"), "data": (data, DATA)}
    template.write_text(yaml.safe_dump(_template(embedded, image, folders)))
    mask = os.umask(0)
    try:
        # Airflow's own processes are root here, and the pods are not: both write below the folder of a run.
        embedded.env = {
            **embedded.env,
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(logs),
            "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o777",
        }
        with embedded:
            yield Runners(embedded, core, data)
    finally:
        os.umask(mask)
        cluster.kubectl("--namespace", NAMESPACE, "delete", "pod,resourcequota", "--all", "--grace-period=0", "--force")
        shutil.rmtree(place, ignore_errors=True)


def _executor(cluster: Any, template: Path, image: str) -> dict[str, str]:
    repository, _, tag = image.rpartition(":")
    section = "AIRFLOW__KUBERNETES_EXECUTOR__"
    return {
        "AIRFLOW__CORE__EXECUTOR": EXECUTORS,
        f"{section}IN_CLUSTER": "False",
        f"{section}CONFIG_FILE": str(cluster.kubeconfig),
        f"{section}NAMESPACE": NAMESPACE,
        f"{section}POD_TEMPLATE_FILE": str(template),
        f"{section}WORKER_CONTAINER_REPOSITORY": repository,
        f"{section}WORKER_CONTAINER_TAG": tag,
    }


def _template(embedded: Embedded, image: str, folders: Mapping[str, tuple[Path, str]]) -> dict[str, Any]:
    """Give the users' template, with this machine's folders in the place of an installation's."""
    pod: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())
    base = pod["spec"]["containers"][0]
    base |= {"image": image, "imagePullPolicy": "Never"}
    own = {
        name: value
        for name, value in recommended_settings.environment().items()
        if "__WORKERS__" in name or "__LOGGING__" in name
    }
    own |= {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{embedded.url}/execution/"}
    known = {one["name"] for one in base.get("env", [])}
    base["env"] = [
        *({**one, "value": own[one["name"]]} if one["name"] in own else one for one in base.get("env", [])),
        *({"name": name, "value": value} for name, value in own.items() if name not in known),
    ]
    kept = [
        mount for mount in base.get("volumeMounts", []) if mount["mountPath"] not in [at for _, at in folders.values()]
    ]
    base["volumeMounts"] = kept + [{"name": f"test-{name}", "mountPath": at} for name, (_, at) in folders.items()]
    volumes = pod["spec"].get("volumes", [])
    used = {mount["name"] for mount in kept}
    pod["spec"]["volumes"] = [one for one in volumes if one["name"] in used] + [
        {"name": f"test-{name}", "hostPath": {"path": str(path)}} for name, (path, _) in folders.items()
    ]
    return pod
