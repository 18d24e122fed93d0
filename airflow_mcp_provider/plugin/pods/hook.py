"""What only the scheduler can give a job's pod, at the moment when Airflow makes it.

Called through Airflow's cluster policy ``pod_mutation_hook`` (see ``airflow_mcp_provider.policy``), for every pod; one
of a DAG that is no job is left as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.markers import Markers
from airflow_mcp_provider.plugin.pods.dress import dress
from airflow_mcp_provider.plugin.pods.memory import grow
from airflow_mcp_provider.plugin.pods.seam import LABEL, TaskInstance, make_safe_label_value
from airflow_mcp_provider.plugin.pods.subject import INSTANCE, JOB, RUN, SUBTASK, Subject
from airflow_mcp_provider.plugin.pods.watch import watch
from airflow_mcp_provider.plugin.queue_seam import Store, create_session
from airflow_mcp_provider.runtime import wire
from airflow_mcp_provider.spec.marker import PodNeeds


@dataclass(frozen=True, slots=True)
class Facts:
    """``label``: what people call the subtask; ``ooms``: how often its memory ran out."""

    needs: PodNeeds
    label: str
    ooms: int
    instance: str


def mutate(pod: Any) -> None:  # noqa: ANN401 - a V1Pod
    """Dress the pod when it is of a job."""
    subject = Subject.of(pod)
    if subject is None:
        return
    # Not the scheduler's own session, which is in the middle of its work.
    with create_session(scoped=False) as session:
        facts = _facts(session, subject)
    if facts is None:
        return
    labels = {JOB: subject.dag_id, RUN: subject.run_id, SUBTASK: facts.label}
    pod.metadata.annotations[INSTANCE] = facts.instance
    dress(pod, {name: make_safe_label_value(text) for name, text in labels.items()}, facts.needs.deadline)
    resources = pod.spec.containers[0].resources
    if facts.needs.memory and facts.ooms and resources:
        grow(resources, facts.needs.memory, facts.ooms)
    watch(subject.worker)


@cache
def _markers() -> Markers:
    return Markers()


def _facts(session: Session, subject: Subject) -> Facts | None:
    _markers().learn(session, [subject.dag_id])
    marker = _markers().of(subject.dag_id)
    if marker is None:
        return None
    of_it = (
        Store.dag_id == TaskInstance.dag_id,
        Store.run_id == TaskInstance.run_id,
        Store.task_id == TaskInstance.task_id,
        Store.map_index == TaskInstance.map_index,
    )
    query = (
        select(TaskInstance.id, LABEL, Store.value)
        .outerjoin(Store, and_(*of_it, Store.key == wire.OOMS))
        .where(
            TaskInstance.dag_id == subject.dag_id,
            TaskInstance.run_id == subject.run_id,
            TaskInstance.task_id == subject.task_id,
            TaskInstance.map_index == subject.map_index,
        )
    )
    instance, label, ooms = session.execute(query).one()
    needs = marker.pods.get(subject.task_id, PodNeeds())
    return Facts(needs, label or subject.task_id, len(json.loads(ooms)) if ooms else 0, str(instance))
