"""What ``plugin/pods`` leans on in Airflow's Kubernetes provider, by name: see ``plugin/pods/airflow_internals.py``."""

from __future__ import annotations

import inspect

import pytest
from airflow.models.log import Log
from airflow.policies import hookimpl
from airflow.providers.cncf.kubernetes.executors import kubernetes_executor, kubernetes_executor_utils
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator, workload_to_command_args
from airflow.settings import get_policy_plugin_manager
from kubernetes.client.rest import ApiException
from urllib3.exceptions import MaxRetryError

from airflow_mcp_provider import policy
from airflow_mcp_provider.plugin.pods import airflow_internals
from airflow_mcp_provider.plugin.pods.api_outage import FALLBACKS, tolerant


def test_the_labels_and_annotations_of_a_runners_pod():
    labels = PodGenerator.build_labels_for_k8s_executor_pod(
        dag_id="d", task_id="t", try_number=1, airflow_worker=7, map_index=0, run_id="r"
    )
    assert labels[airflow_internals.WORKER] == "7"
    assert labels[airflow_internals.EXECUTORS] == "True"
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


def test_the_command_of_a_runners_pod():
    source = inspect.getsource(workload_to_command_args)
    words = ["python", "-m", airflow_internals.WORKLOAD, "--json-string"]
    assert [source.index(f'"{word}"') for word in words] == sorted(source.index(f'"{word}"') for word in words)


def test_the_policy_is_registered():
    assert hookimpl is not None
    assert policy in get_policy_plugin_manager().get_plugins()


def test_the_audit_log():
    assert Log.__table__.columns["event"].type.length >= len("pod: PodNotScheduled")
    assert list(inspect.signature(Log.__init__).parameters)[1:3] == ["event", "task_instance"]


def test_where_the_executor_lists_pods_and_expects_no_failure():
    source = inspect.getsource(kubernetes_executor.KubernetesExecutor)
    assert source.count("._list_pods(") == len(FALLBACKS) + 1, "each of these, and a look-up for Airflow before 3.3"
    for name in FALLBACKS:
        method = inspect.unwrap(getattr(kubernetes_executor.KubernetesExecutor, name))
        assert "._list_pods(" in inspect.getsource(method)


@pytest.mark.parametrize("error", [MaxRetryError(None, "/"), ApiException(status=500), ApiException(status=429)])
def test_a_kubernetes_that_does_not_answer_is_waited_for(error):
    def method(self):
        raise error

    assert tolerant(method, list)(None) == []


def test_the_executor_fails_a_task_whose_pod_was_refused_with_the_exception():
    executor = kubernetes_executor.KubernetesExecutor
    assert [*inspect.signature(inspect.unwrap(executor.fail)).parameters] == ["self", "key", "info"]
    assert inspect.getsource(executor._handle_pod_publish_error).count("self.fail(key, e)") == 5


def test_a_kubernetes_that_refuses_is_told():
    def method(self):
        raise ApiException(status=403)

    with pytest.raises(ApiException):
        tolerant(method, list)(None)
