"""Changes to a job's pod that only the scheduler can make, when Airflow creates the pod.

Called by Airflow's cluster policy ``pod_mutation_hook`` (see ``airflow_mcp_provider.policy``), for every pod; pods of
DAGs that are not jobs are not changed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from airflow_mcp_provider.plugin.db.identity import SAME_RUN, of_task, same
from airflow_mcp_provider.plugin.db.job_markers import Markers
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, create_session
from airflow_mcp_provider.plugin.pods.apply_defaults import set_defaults
from airflow_mcp_provider.plugin.pods.identity import INSTANCE, JOB, RUN, SUBTASK, Attempt, label
from airflow_mcp_provider.plugin.pods.memory_growth import grow
from airflow_mcp_provider.plugin.pods.monitor import watch
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec.marker import PodNeeds


@dataclass(frozen=True, slots=True)
class Facts:
    """The subtask of a pod: ``key`` is its key, ``ooms`` the number of attempts that ran out of memory."""

    needs: PodNeeds
    key: str
    ooms: int
    instance: str


def mutate(pod: Any) -> None:  # noqa: ANN401 - a V1Pod
    """Set defaults, labels, annotations and the memory of a job's pod; other pods are not changed."""
    attempt = Attempt.of(pod)
    if attempt is None:
        return
    # Not the scheduler's own session, which is in a transaction.
    with create_session(scoped=False) as session:
        facts = _facts(session, attempt)
    if facts is None:
        return
    labels = {JOB: attempt.task.dag_id, RUN: attempt.task.run_id, SUBTASK: facts.key}
    pod.metadata.annotations[INSTANCE] = facts.instance
    set_defaults(pod, {name: label(text) for name, text in labels.items()}, facts.needs.deadline)
    resources = pod.spec.containers[0].resources
    if facts.needs.memory and facts.ooms and resources:
        grow(resources, facts.needs.memory, facts.ooms)
    watch(attempt.worker)


@cache
def _markers() -> Markers:
    return Markers()


def _facts(session: Session, attempt: Attempt) -> Facts | None:
    _markers().learn(session, [attempt.task.dag_id])
    marker = _markers().of(attempt.task.dag_id)
    if marker is None:
        return None
    query = select(TaskInstance.id, _item.value, _ooms.value).where(*of_task(TaskInstance, attempt.task))
    needs = marker.pods.get(attempt.task.task_id, PodNeeds())
    first = needs.batch * TaskInstance.map_index if needs.batch > 1 else TaskInstance.map_index
    for row, key, index in ((_item, store_keys.ITEM, first), (_ooms, store_keys.OOMS, TaskInstance.map_index)):
        here = same(row, TaskInstance, (*SAME_RUN, "task_id"))
        query = query.outerjoin(row, and_(here, row.map_index == index, row.key == key))
    instance, item, ooms = session.execute(query).one()
    key = json.loads(item)["key"] if item else attempt.task.task_id
    return Facts(needs, key, len(json.loads(ooms)) if ooms else 0, str(instance))


_item, _ooms = aliased(Store), aliased(Store)
