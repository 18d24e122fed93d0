"""What is remembered of pods that have not begun, over the events that Kubernetes sends of them."""

from __future__ import annotations

import pytest
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

from airflow_mcp_provider.plugin.db.identity import TaskRef
from airflow_mcp_provider.plugin.pods.identity import Attempt
from airflow_mcp_provider.plugin.pods.pending import Waiting

ATTEMPT = Attempt(TaskRef("crawl", "r", "run", 3), 1, "7", None)
GONE = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
PULL = {"waiting": {"reason": "ErrImagePull", "message": "no such host"}}
NEVER_BEGAN = {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": "not located"}}
KILLED = {"terminated": {"exitCode": 137, "reason": "Error"}}


def pod(phase, state=None, **metadata):
    status = {"phase": phase}
    if state:
        one = {"name": "base", "image": "site:1", "imageID": "", "ready": False, "restartCount": 0, "state": state}
        status["containerStatuses"] = [one]
    return PodGenerator.deserialize_model_dict(
        {"metadata": metadata, "spec": {"containers": [{"name": "base"}]}, "status": status}
    )


def reasons(*events, waiting=None):
    waiting = waiting or Waiting()
    told = []
    for kind, one in events:
        found = waiting.reason(ATTEMPT, one, kind)
        waiting.learn(ATTEMPT, one, kind, found)
        told.append(found.type if found else "")
    return told


def test_the_end_of_a_pod_that_was_given_up_is_no_reason():
    waiting = Waiting()
    events = [
        ("ADDED", pod("Pending")),
        ("MODIFIED", pod("Pending", PULL)),
        ("MODIFIED", pod("Pending", PULL, **GONE)),
        ("MODIFIED", pod("Failed", NEVER_BEGAN, **GONE)),
        ("MODIFIED", pod("Failed", NEVER_BEGAN, **GONE)),
        ("DELETED", pod("Failed", NEVER_BEGAN, **GONE)),
    ]
    assert reasons(*events, waiting=waiting) == ["", "ImageNotPulled", "", "", "", ""]
    assert ATTEMPT not in waiting


@pytest.mark.parametrize("begun", [pod("Running"), pod("Failed", KILLED)], ids=["running", "failed"])
def test_one_that_has_begun_after_all_waits_no_more(begun):
    waiting = Waiting()
    reasons(("MODIFIED", pod("Pending", PULL)), ("MODIFIED", begun), waiting=waiting)
    assert ATTEMPT not in waiting
    assert reasons(("MODIFIED", pod("Failed", KILLED)), waiting=waiting) == ["RunnerFailed"]


def test_a_pod_deleted_before_it_began_is_still_waited_for():
    waiting = Waiting()
    reasons(("MODIFIED", pod("Pending", PULL)), ("DELETED", pod("Pending", PULL, **GONE)), waiting=waiting)
    assert ATTEMPT in waiting, "its copy comes"
