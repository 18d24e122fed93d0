"""What ``plugin/pods`` leans on in Airflow's Kubernetes provider, by name: see ``plugin/pods/seam.py``."""

from __future__ import annotations

import inspect

from airflow.models.log import Log
from airflow.policies import hookimpl
from airflow.providers.cncf.kubernetes.executors import kubernetes_executor, kubernetes_executor_utils
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.settings import get_policy_plugin_manager

from airflow_mcp_provider import policy
from airflow_mcp_provider.plugin.pods import seam


def test_the_labels_and_annotations_of_a_runners_pod():
    labels = PodGenerator.build_labels_for_k8s_executor_pod(
        dag_id="d", task_id="t", try_number=1, airflow_worker=7, map_index=0, run_id="r"
    )
    assert labels[seam.WORKER] == "7"
    assert labels[seam.EXECUTORS] == "True"
    source = inspect.getsource(PodGenerator.construct_pod)
    assert all(f'"{name}"' in source for name in ("dag_id", "task_id", "try_number", "map_index", "run_id"))
    assert source.index("reconcile_pods, pod_list") < source.index("pod_mutation_hook(pod)"), "ours is the last word"


def test_the_watcher_frees_a_slot_when_a_pod_gets_the_label():
    run = inspect.getsource(kubernetes_executor_utils.KubernetesJobWatcher._run)
    assert "{POD_EXECUTOR_DONE_KEY}!=True" in run
    status = inspect.getsource(kubernetes_executor_utils.KubernetesJobWatcher.process_status)
    assert 'event["type"] == "DELETED" and not pod.metadata.deletion_timestamp' in status
    assert "ADOPTED" in status
    assert "self.running.remove(key)" in inspect.getsource(kubernetes_executor.KubernetesExecutor._change_state)


def test_the_policy_is_registered():
    assert hookimpl is not None
    assert policy in get_policy_plugin_manager().get_plugins()


def test_the_audit_log():
    assert Log.__table__.columns["event"].type.length >= len("pod: PodNotScheduled")
    assert list(inspect.signature(Log.__init__).parameters)[1:3] == ["event", "task_instance"]
