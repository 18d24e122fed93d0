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
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.plugin.db.job_markers import Markers
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, create_session
from airflow_mcp_provider.plugin.pods.defaults import dress
from airflow_mcp_provider.plugin.pods.identity import INSTANCE, JOB, RUN, SUBTASK, Subject, label
from airflow_mcp_provider.plugin.pods.memory import grow
from airflow_mcp_provider.plugin.pods.monitor import watch
from airflow_mcp_provider.runtime import protocol
from airflow_mcp_provider.spec.marker import PodNeeds


@dataclass(frozen=True, slots=True)
class Facts:
    """``key``: what people call the subtask; ``ooms``: how often its memory ran out."""

    needs: PodNeeds
    key: str
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
    labels = {JOB: subject.dag_id, RUN: subject.run_id, SUBTASK: facts.key}
    pod.metadata.annotations[INSTANCE] = facts.instance
    dress(pod, {name: label(text) for name, text in labels.items()}, facts.needs.deadline)
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
    query = select(TaskInstance.id, _item.value, _ooms.value).where(
        TaskInstance.dag_id == subject.dag_id,
        TaskInstance.run_id == subject.run_id,
        TaskInstance.task_id == subject.task_id,
        TaskInstance.map_index == subject.map_index,
    )
    needs = marker.pods.get(subject.task_id, PodNeeds())
    first = needs.batch * TaskInstance.map_index if needs.batch > 1 else TaskInstance.map_index
    for row, key, index in ((_item, protocol.ITEM, first), (_ooms, protocol.OOMS, TaskInstance.map_index)):
        query = query.outerjoin(row, and_(*_of_it(row), row.map_index == index, row.key == key))
    instance, item, ooms = session.execute(query).one()
    key = json.loads(item)["key"] if item else subject.task_id
    return Facts(needs, key, len(json.loads(ooms)) if ooms else 0, str(instance))


def _of_it(row: Any) -> tuple[Any, ...]:  # noqa: ANN401 - an alias of Store
    return (
        row.dag_id == TaskInstance.dag_id,
        row.run_id == TaskInstance.run_id,
        row.task_id == TaskInstance.task_id,
    )


_item, _ooms = aliased(Store), aliased(Store)
