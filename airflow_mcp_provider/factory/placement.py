"""The executor and pod settings of a job's tasks, as keyword arguments of the operators.

A runner does not need them: it is already running, and building a ``V1Pod`` would import ``kubernetes``. But a runner
whose work is a container creates the pod of that container itself, from plain data.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from airflow.sdk import get_parsing_context

from airflow_mcp_provider.spec import ContainerWork, JobSpec, Plan, Pod, Step, StepTimeouts, SubtaskWork
from airflow_mcp_provider.spec.marker import LOCAL, Marker, MoreMemory, PodNeeds
from airflow_mcp_provider.spec.notify_rules import NotifyRules
from airflow_mcp_provider.spec.schedule_rules import ScheduleRules
from airflow_mcp_provider.spec.submit_rules import SubmitRules

DEADLINE_MARGIN = timedelta(minutes=10)
"""The time that a pod's deadline adds to the hard timeout of its subtask: for the image pull, the start and the end."""


def of_step(step: Step) -> dict[str, Any]:
    """Return the operator's keyword arguments for a step; raises SpecError when its ``pod`` is not valid."""
    contained = of_container(step.run, step.pod, step.timeouts)
    own = {} if contained else _secrets(step.pod)  # the pod of the container has them, not that of its runner
    return {**contained, **own, **_executor_config(step.pod, contained=bool(contained), work=True)}


def of_plan(spec: JobSpec) -> dict[str, Any]:
    """Return the operator's keyword arguments for ``plan``; raises SpecError when the job's ``pod`` is not valid."""
    contained = of_container(spec.plan, spec.pod, spec.timeouts)
    own = {} if contained else _secrets(spec.pod)
    return {**contained, **own, **_of_control(spec, contained=bool(contained))}


def of_report(spec: JobSpec) -> dict[str, Any]:
    """Return the operator's keyword arguments for ``report``; raises SpecError when the job's ``pod`` is not valid."""
    return {**_secrets(spec.pod), **_of_control(spec, contained=False)}


def of_container(work: SubtaskWork | Plan, pod: Pod | None, timeouts: StepTimeouts | None) -> dict[str, Any]:
    """Return the keyword arguments for work that is a container, empty for other work.

    ``{"container": {"pod": manifest, "hard": seconds, "memory": {"factor": float, "max": quantity}}}``; ``hard`` and
    ``memory`` are optional.
    """
    if not isinstance(work, ContainerWork):
        return {}
    from airflow_mcp_provider.factory.pod.manifest import manifest  # noqa: PLC0415 - needed only for containers

    shape = json.loads(json.dumps(manifest(pod or Pod.model_construct(), work=True)))
    hard = {"hard": timeouts.hard.total_seconds()} if timeouts and timeouts.hard else {}
    more = {"memory": asdict(grows)} if (grows := _more(pod)) else {}
    return {"container": {"pod": shape, **hard, **more}}


def _secrets(pod: Pod | None) -> dict[str, Any]:
    """Return the names of the variables and folders with secrets, whose values the runner hides in logs and results."""
    places = [place for one in pod.secrets if (place := one.env or one.path)] if pod else []
    return {"secrets": places} if places else {}


def _of_control(spec: JobSpec, *, contained: bool) -> dict[str, Any]:
    local = {"executor": LOCAL}
    return local if spec.control == "local" else _executor_config(spec.pod, contained=contained, work=False)


def _executor_config(pod: Pod | None, *, contained: bool, work: bool) -> dict[str, Any]:
    if get_parsing_context().dag_id is not None or (pod is None and not contained):
        return {}
    from airflow_mcp_provider.factory.pod import build  # noqa: PLC0415 - see above

    shaped = build.v1_pod(pod, work=work) if pod else None  # also for a container, to report an invalid pod now
    return {"executor_config": {"pod_override": build.of_containers_runner() if contained else shaped}}


def marker(spec: JobSpec) -> Marker:
    """Return the data about the job that the scheduler needs."""
    steps = {step.name: _of_one(spec, step) for step in spec.each_step}
    control = _needs(spec.timeouts, None)
    pods = {**steps, "plan": control, "report": control}
    schedule = ScheduleRules.of(spec.schedule) if spec.schedule else None
    notify = NotifyRules.of(spec.on) if spec.on else NotifyRules()
    submit = SubmitRules.of(spec.queue)
    return Marker(spec.queue.priority, spec.timeouts.queue, pods, spec.calls, submit, schedule, notify)


def _of_one(spec: JobSpec, step: Step) -> PodNeeds:
    # The settings of a container's pod do not apply to the pod of its runner.
    one = _needs(step.timeouts or spec.timeouts, None if isinstance(step.run, ContainerWork) else step.pod)
    if step.batch == 1:
        return one
    tries = (step.retries or spec.retries).attempts * step.batch
    hard = step.timeouts.hard if step.timeouts else None
    return replace(one, batch=step.batch, deadline=hard * tries + DEADLINE_MARGIN if hard else None)


def _needs(timeouts: StepTimeouts, pod: Pod | None) -> PodNeeds:
    return PodNeeds(timeouts.hard + DEADLINE_MARGIN if timeouts.hard else None, _more(pod))


def _more(pod: Pod | None) -> MoreMemory | None:
    return MoreMemory(pod.on_oom.factor, pod.on_oom.max) if pod and pod.on_oom else None
