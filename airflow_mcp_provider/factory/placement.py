"""Where a job's tasks run: what the operators are told of executors and pods.

Nothing in a runner: it is where it is, and building a pod would cost it the import of ``kubernetes``. But a runner
whose work is a container makes that one's pod itself: it is told of it in plain data.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from airflow.sdk import get_parsing_context

from airflow_mcp_provider.spec import ContainerWork, JobSpec, Plan, Pod, Step, StepTimeouts, SubtaskWork
from airflow_mcp_provider.spec.marker import LOCAL, Marker, MoreMemory, PodNeeds

BEHIND = timedelta(minutes=10)
"""So much longer than its hard timeout may a subtask's pod live: for its image, its start, its last words."""


def of_step(step: Step) -> dict[str, Any]:
    """Return the keywords of a step's task; raises SpecError when Kubernetes would not take the pod."""
    contained = of_container(step.run, step.pod, step.timeouts)
    own = {} if contained else _secrets(step.pod)  # a container's own pod has them, not its runner's
    return {**contained, **own, **_executor_config(step.pod, contained=bool(contained), work=True)}


def of_plan(spec: JobSpec) -> dict[str, Any]:
    """Return the keywords of ``plan``; raises SpecError likewise."""
    contained = of_container(spec.plan, spec.pod, spec.timeouts)
    own = {} if contained else _secrets(spec.pod)
    return {**contained, **own, **_of_control(spec, contained=bool(contained))}


def of_report(spec: JobSpec) -> dict[str, Any]:
    """Return the keywords of ``report``; raises SpecError likewise."""
    return {**_secrets(spec.pod), **_of_control(spec, contained=False)}


def of_container(work: SubtaskWork | Plan, pod: Pod | None, timeouts: StepTimeouts | None) -> dict[str, Any]:
    """Return what a runner is told whose work is a container: its pod, in plain data; nothing for other work."""
    if not isinstance(work, ContainerWork):
        return {}
    from airflow_mcp_provider.factory.pod.manifest import manifest  # noqa: PLC0415 - for those who have one

    shape = json.loads(json.dumps(manifest(pod or Pod.model_construct(), work=True)))
    hard = {"hard": timeouts.hard.total_seconds()} if timeouts and timeouts.hard else {}
    more = {"memory": asdict(grows)} if (grows := _more(pod)) else {}
    return {"container": {"pod": shape, **hard, **more}}


def _secrets(pod: Pod | None) -> dict[str, Any]:
    """Tell a runner which of its variables and folders hold secrets, so that it tells nobody what is in them."""
    places = [place for one in pod.secrets if (place := one.env or one.path)] if pod else []
    return {"secrets": places} if places else {}


def _of_control(spec: JobSpec, *, contained: bool) -> dict[str, Any]:
    local = {"executor": LOCAL}
    return local if spec.control == "local" else _executor_config(spec.pod, contained=contained, work=False)


def _executor_config(pod: Pod | None, *, contained: bool, work: bool) -> dict[str, Any]:
    if get_parsing_context().dag_id is not None or (pod is None and not contained):
        return {}
    from airflow_mcp_provider.factory.pod import build  # noqa: PLC0415 - see above

    shaped = build.v1_pod(pod, work=work) if pod else None  # of a container, too: a wrong one is told now
    return {"executor_config": {"pod_override": build.of_containers_runner() if contained else shaped}}


def marker(spec: JobSpec) -> Marker:
    """Return what the scheduler must know of the job."""
    steps = {step.name: _of_one(spec, step) for step in spec.each_step}
    control = _needs(spec.timeouts, None)
    pods = {**steps, "plan": control, "report": control}
    return Marker(spec.queue.priority, spec.timeouts.queue, pods, spec.calls)


def _of_one(spec: JobSpec, step: Step) -> PodNeeds:
    # What shapes the pod of a container is not for the runner beside it.
    one = _needs(step.timeouts or spec.timeouts, None if isinstance(step.run, ContainerWork) else step.pod)
    if step.batch == 1:
        return one
    tries = (step.retries or spec.retries).attempts * step.batch
    hard = step.timeouts.hard if step.timeouts else None
    return replace(one, batch=step.batch, deadline=hard * tries + BEHIND if hard else None)


def _needs(timeouts: StepTimeouts, pod: Pod | None) -> PodNeeds:
    return PodNeeds(timeouts.hard + BEHIND if timeouts.hard else None, _more(pod))


def _more(pod: Pod | None) -> MoreMemory | None:
    return MoreMemory(pod.on_oom.factor, pod.on_oom.max) if pod and pod.on_oom else None
