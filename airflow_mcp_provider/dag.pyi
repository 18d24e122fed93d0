"""Made by scripts/stub.py from the models of airflow_mcp_provider.spec: do not edit."""
# ruff: noqa: A002, PYI021

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, ParamSpec, TypeVar

from airflow_mcp_provider import spec as _spec
from airflow_mcp_provider.factory import build_dag as build_dag
from airflow_mcp_provider.factory import load_dags as load_dags
from airflow_mcp_provider.factory.job import Job as Job
from airflow_mcp_provider.spec import to_python as to_python
from airflow_mcp_provider.spec import to_yaml as to_yaml

_P = ParamSpec("_P")
_R = TypeVar("_R")

class CommandWork(_spec.CommandWork):
    """A program with arguments, started without a shell.

    :param command: The program and its arguments; {name} is replaced by a value of the payload or of params.
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
    ) -> None: ...

class Container(_spec.Container):
    """A container: its image, command, arguments, environment variables and user.

    :param image: The image; {name} is replaced by a value of the payload or of params.
    :param command: Replaces the image's ENTRYPOINT; placeholders as in image.
    :param args: Replaces the image's CMD; placeholders as in image.
    :param env: Environment variables, without placeholders. Do not put secrets here; use pod.secrets.
    :param user: The user id (runAsUser). Default: that of the image.
    :param start: The time limit for the start: to find a node and pull the image.
    """

    def __init__(
        self,
        *,
        image: str,
        command: Sequence[str] | None = ...,
        args: Sequence[str] | None = ...,
        env: Mapping[str, str | float] = ...,
        user: int | None = ...,
        start: timedelta | str | float = ...,
    ) -> None: ...

class ContainerWork(_spec.ContainerWork):
    """A container: a separate pod with the KubernetesExecutor, otherwise a container of the local Docker engine.

    :param container: The container to run.
    """

    def __init__(
        self,
        *,
        container: Container,
    ) -> None: ...

class Items(_spec.Items):
    """The payloads of the first subtasks, as a list in the spec.

    :param items: The payloads of the first subtasks; a single value x is short for {item: x}. {matrix: {name:
        [value, …], …}} is short for the list of all combinations.
    """

    def __init__(
        self,
        *,
        items: Sequence[Any] | Mapping[str, Mapping[str, Sequence[Any]]],
    ) -> None: ...

class JobSpec(_spec.JobSpec):
    """A job: one DAG with the tasks ``plan``, ``run`` (or one per step) and ``report``.

    ``run`` and the steps are mapped tasks with one task instance per subtask, or per batch of subtasks.

    :param id: The job id and dag_id; for a YAML file its name without the suffix.
    :param description: What the job does, shown in Airflow's UI. Its first line is the description of the DAG.
    :param owner: The owner of the DAG and its tasks.
    :param tags: Tags of the DAG, for filters in Airflow's UI.
    :param params: Params of the DAG: a JSON Schema by name, for the trigger form and for a run's conf.
    :param plan: Returns the first subtasks of a run.
    :param steps: Instead of run: the stages that each subtask passes through in sequence.
    :param run: The work of one subtask.
    :param report: Combines the outcomes of all subtasks into the result of the run.
    :param subtasks: The limits of a run's subtasks, and how many of them may fail.
    :param retries: How often and after which delay a failed subtask is retried.
    :param timeouts: The time limits of a subtask and of the run.
    :param queue: Which runs may be submitted, and in which order they start.
    :param schedule: When runs are created without a person or a program that submits them.
    :param on: The notifiers of Airflow that are called when a run fails, succeeds or is late.
    :param pod: The pods of the job's tasks, with the KubernetesExecutor.
    :param control: Where plan and report run. pod: in a pod, as the subtasks do. local: in the scheduler; then
        [core] executor must contain the LocalExecutor in addition to the KubernetesExecutor.
    """

    def __init__(
        self,
        *,
        id: str,
        plan: PythonWork | CommandWork | ShellWork | ContainerWork | Items,
        description: str = ...,
        owner: str = ...,
        tags: Sequence[str] = ...,
        params: Mapping[str, Mapping[str, Any]] = ...,
        steps: Sequence[Step] = ...,
        run: PythonWork | CommandWork | ShellWork | ContainerWork | JobWork | None = ...,
        report: PythonWork | CommandWork | ShellWork | None = ...,
        subtasks: Subtasks = ...,
        retries: Retries = ...,
        timeouts: Timeouts = ...,
        queue: Queue = ...,
        schedule: Schedule | None = ...,
        on: On | None = ...,
        pod: Pod | None = ...,
        control: Literal["pod", "local"] = ...,
    ) -> None: ...

class JobWork(_spec.JobWork):
    """A run of another job; the subtask waits for its end.

    :param job: The id of the job to run; the payload is the conf of its run, the result is that of its report.
    """

    def __init__(
        self,
        *,
        job: str,
    ) -> None: ...

class Notify(_spec.Notify):
    """One notifier: a class of Airflow or of a provider, and its arguments.

    :param notifier: The class of the notifier, as module.path:Class.
    :param args: The arguments of the notifier. Do not put secrets here.
    """

    def __init__(
        self,
        *,
        notifier: str,
        args: Mapping[str, Any] = ...,
    ) -> None: ...

class NotifyLate(_spec.NotifyLate):
    """A notifier for a run that is not finished some time after it was due.

    :param notifier: The class of the notifier, as module.path:Class.
    :param args: The arguments of the notifier. Do not put secrets here.
    :param after: The time after which the run is late.
    """

    def __init__(
        self,
        *,
        notifier: str,
        after: timedelta | str | float,
        args: Mapping[str, Any] = ...,
    ) -> None: ...

class On(_spec.On):
    """The notifiers of a job, by what happened to its run.

    :param failure: Called when a run fails: one notifier, or a list.
    :param success: Called when a run succeeds: one notifier, or a list.
    :param partial: Called when a run succeeds although some of its subtasks failed for good.
    :param late: Called when a run is not finished in time: one notifier with after, or a list.
    """

    def __init__(
        self,
        *,
        failure: Notify | Sequence[Notify] = ...,
        success: Notify | Sequence[Notify] = ...,
        partial: Notify | Sequence[Notify] = ...,
        late: NotifyLate | Sequence[NotifyLate] = ...,
    ) -> None: ...

class OnOom(_spec.OnOom):
    """The memory of a subtask's next attempt after an OOM kill.

    :param memory: The factor for the memory limit and request after each OOM kill.
    :param max: The maximum memory.
    """

    def __init__(
        self,
        *,
        memory: str,
        max: str | float,
    ) -> None: ...

class Pod(_spec.Pod):
    """The pods of a job's tasks, merged over the installation's pod template.

    :param image: The container image. Default: that of the pod template.
    :param pull_policy: The imagePullPolicy: Always, IfNotPresent or Never.
    :param pull_secrets: The names of imagePullSecrets for a private registry.
    :param resources: Requests and limits of CPU, memory and other resources.
    :param ephemeral_storage: Request and limit of the ephemeral storage on the node's disk.
    :param env: Environment variables. Do not put secrets here; use the key secrets.
    :param secrets: Secrets as environment variables or files.
    :param volumes: Volumes and their mount paths.
    :param service_account: The name of the pod's service account.
    :param service_account_token: Whether the token of the service account is mounted in the pod.
    :param node_selector: Labels that the node must have (nodeSelector).
    :param tolerations: Tolerations, with the fields of the Kubernetes API.
    :param affinity: The affinity, with the fields of the Kubernetes API.
    :param priority_class: The name of a PriorityClass.
    :param labels: Labels of the pod, except those that Airflow or this package sets.
    :param annotations: Annotations of the pod, except those that Airflow or this package sets.
    :param security_context: The securityContext of the container, with the fields of the Kubernetes API; fsGroup,
        fsGroupChangePolicy, supplementalGroups, supplementalGroupsPolicy and sysctls are set on the pod.
    :param on_oom: More memory for the next attempt after an OOM kill.
    :param override: metadata and spec of a Pod with the fields of the Kubernetes API, merged over the other keys.
    """

    def __init__(
        self,
        *,
        image: str | None = ...,
        pull_policy: str | None = ...,
        pull_secrets: Sequence[str] = ...,
        resources: Resources = ...,
        ephemeral_storage: str | float | None = ...,
        env: Mapping[str, str | float] = ...,
        secrets: Sequence[Secret] = ...,
        volumes: Sequence[Volume] = ...,
        service_account: str | None = ...,
        service_account_token: bool = ...,
        node_selector: Mapping[str, str | float] = ...,
        tolerations: Sequence[Mapping[str, Any]] = ...,
        affinity: Mapping[str, Any] | None = ...,
        priority_class: str | None = ...,
        labels: Mapping[str, str | float] = ...,
        annotations: Mapping[str, str | float] = ...,
        security_context: Mapping[str, Any] | None = ...,
        on_oom: OnOom | None = ...,
        override: Mapping[str, Any] | None = ...,
    ) -> None: ...

class PythonWork(_spec.PythonWork):
    """A Python function that the runner imports and calls.

    :param python: The function to call, as module.path:function; it may be async.
    """

    def __init__(
        self,
        *,
        python: str,
    ) -> None: ...

class Queue(_spec.Queue):
    """The rules of the job's queue: they hold for every way to submit a run.

    :param priority: The priority of the job's tasks over those of other jobs, and of its runs whose conf has no
        mcp_priority. A higher priority starts first.
    :param max_pending: The maximum number of queued runs. A further one is refused.
    :param per_submitter: The maximum number of queued and running runs of one user. A further one is refused.
    :param rate: The maximum number of submitted runs in a period, of all users or of each.
    :param unique: Names of params. While a run with the same values of all of them is queued, a further one is
        refused; the HTTP API answers with the queued one.
    :param overlap: What happens to a run that is submitted while another is active. queue: it waits. reject: it
        is refused. replace_waiting: it replaces the queued ones. replace_running: it replaces the running one,
        too.
    :param memory: No run starts while the host of the scheduler has less available memory. For runners on that
        host; where runners are pods, use requests.
    :param keep: Which ended runs are kept: the newest of a number, or those younger than an age. Default: all.
    """

    def __init__(
        self,
        *,
        priority: int = ...,
        max_pending: int | None = ...,
        per_submitter: int | None = ...,
        rate: str | None = ...,
        unique: Sequence[str] = ...,
        overlap: Literal["queue", "reject", "replace_waiting", "replace_running"] = ...,
        memory: str | float | None = ...,
        keep: str | int | None = ...,
    ) -> None: ...

class Resources(_spec.Resources):
    """The resource requests and limits of a subtask's container.

    :param requests: Resource requests; Kubernetes chooses a node that has them free.
    :param limits: Resource limits; a container that exceeds its memory limit is OOM-killed.
    """

    def __init__(
        self,
        *,
        requests: Mapping[str, str | float] = ...,
        limits: Mapping[str, str | float] = ...,
    ) -> None: ...

class Retries(_spec.Retries):
    """How often and after which delay a failed subtask is retried.

    :param attempts: The maximum number of attempts, the first one included; 1: no retry.
    :param delay: The delay before the second attempt.
    :param backoff: The factor between one delay and the next; 1: constant delay.
    :param max_delay: The maximum delay. Default: 10m, or the value of delay if that is longer.
    :param never_on: Exceptions after which a subtask is not retried, by class name; subclasses are included.
    :param only_on: If set, a subtask is retried only after these exceptions.
    """

    def __init__(
        self,
        *,
        attempts: int = ...,
        delay: timedelta | str | float = ...,
        backoff: float = ...,
        max_delay: timedelta | str | float = ...,
        never_on: Sequence[str] = ...,
        only_on: Sequence[str] = ...,
    ) -> None: ...

class Schedule(_spec.Schedule):
    """When runs are created; exactly one of ``cron``, ``every``, ``at``, ``after`` and ``watch`` is set.

    ``at``, ``start`` and ``end`` are aware datetimes in ``timezone``.

    :param timezone: The IANA time zone of cron and of dates without an offset.
    :param cron: A cron expression of five fields or a macro such as @daily, or a list of them.
    :param every: The time between two runs, counted from start.
    :param at: The date of the only scheduled run.
    :param after: Ids of jobs. A run is created when each of them has completed a run since the last one.
    :param watch: A check in the triggerer that starts a run when it reports pending work.
    :param start: No run is scheduled before this date.
    :param end: No run is scheduled after this date.
    :param jitter: A scheduled run starts up to this time later, so that many jobs do not start at once.
    :param conf: The params of scheduled runs; they must match params.
    :param misfire_grace: A scheduled run that could not start within this time is dropped, with a reason.
    :param coalesce: Whether missed dates result in one run, that of the latest, or in a run for each.
    """

    def __init__(
        self,
        *,
        timezone: str = ...,
        cron: str | Sequence[str] = ...,
        every: timedelta | str | float | None = ...,
        at: datetime | str | None = ...,
        after: Sequence[str] = ...,
        watch: Watch | None = ...,
        start: datetime | str | None = ...,
        end: datetime | str | None = ...,
        jitter: timedelta | str | float | None = ...,
        conf: Mapping[str, Any] = ...,
        misfire_grace: timedelta | str | float | None = ...,
        coalesce: bool = ...,
    ) -> None: ...

class Secret(_spec.Secret):
    """A Kubernetes Secret: as one variable, as files, or (only ``name`` set) all its keys as variables.

    :param name: The name of the Secret, in the namespace of the pods.
    :param key: The key of the Secret to use. Default: all keys.
    :param env: The environment variable for the value of key.
    :param path: The mount path of a directory with one file per key.
    """

    def __init__(
        self,
        *,
        name: str,
        key: str | None = ...,
        env: str | None = ...,
        path: str | None = ...,
    ) -> None: ...

class ShellWork(_spec.ShellWork):
    """A shell script; it reads payload and params from environment variables, and has no placeholders.

    :param shell: A script for /bin/sh. $MCP_SUBTASK and $MCP_PARAMS contain JSON, $MCP_SUBTASK_<NAME> and
        $MCP_PARAM_<NAME> single values.
    """

    def __init__(
        self,
        *,
        shell: str,
    ) -> None: ...

class Step(_spec.Step):
    """One stage of a job: a mapped task in the DAG.

    :param name: The name of the step: its task id, and the name of its result in later steps.
    :param run: The work of this step for one subtask.
    :param wait: all: this step starts when the previous steps have finished. Default: a subtask starts this step
        as soon as it has finished the previous one.
    :param subtasks: The limits of this step's subtasks.
    :param retries: Replaces the retries of the job.
    :param pod: Replaces the pod of the job.
    :param timeouts: Replaces soft and hard of the job's timeouts.
    """

    def __init__(
        self,
        *,
        name: str,
        run: PythonWork | CommandWork | ShellWork | ContainerWork | JobWork,
        wait: Literal["all"] | None = ...,
        subtasks: StepSubtasks | None = ...,
        retries: Retries | None = ...,
        pod: Pod | None = ...,
        timeouts: StepTimeouts | None = ...,
    ) -> None: ...

class StepSubtasks(_spec.StepSubtasks):
    """The limits of one step; what it does not set is inherited from the job's ``subtasks``.

    :param parallelism: The maximum number of subtasks of this step that run at the same time. The job's
        parallelism limits all steps together.
    :param batch: The maximum number of subtasks that one task instance of this step runs in sequence.
    :param depth: The maximum number of generations of subtasks after the first ones of this step.
    :param limit: The maximum number of subtasks of this step.
    """

    def __init__(
        self,
        *,
        parallelism: int | None = ...,
        batch: int | None = ...,
        depth: int | None = ...,
        limit: int | None = ...,
    ) -> None: ...

class StepTimeouts(_spec.StepTimeouts):
    """The time limits of a subtask in one step; none by default.

    :param soft: The time after which the work of a subtask is asked to end, so that it can clean up: SoftTimeout
        is raised in a function, a command gets SIGTERM.
    :param hard: The time after which the work of a subtask is killed.
    """

    def __init__(
        self,
        *,
        soft: timedelta | str | float | None = ...,
        hard: timedelta | str | float | None = ...,
    ) -> None: ...

class Subtasks(_spec.Subtasks):
    """The limits of a run's subtasks, and how many of them may fail.

    :param key: The field of the payload whose value identifies a subtask in its run, or a template of several
        fields: {os} {python}. Default: a hash of the whole payload.
    :param parallelism: The maximum number of subtasks that run at the same time. Default: Airflow's own limits
        apply.
    :param batch: The maximum number of subtasks that one task instance runs in sequence. Each subtask has its own
        key, retries and outcome.
    :param depth: The maximum number of generations of subtasks after those of plan.
    :param limit: The maximum number of subtasks of a run; with steps, of each step.
    :param tolerate: How many subtasks may fail in a successful run: a number such as 3, or a percentage such as
        5%.
    :param jobs: The ids of the jobs whose runs the code of this job may enqueue as subtasks.
    """

    def __init__(
        self,
        *,
        key: str | None = ...,
        parallelism: int | None = ...,
        batch: int = ...,
        depth: int = ...,
        limit: int = ...,
        tolerate: str | int = ...,
        jobs: Sequence[str] = ...,
    ) -> None: ...

class Timeouts(_spec.Timeouts):
    """The time limits of a subtask and of the whole run; none by default.

    :param soft: The time after which the work of a subtask is asked to end, so that it can clean up: SoftTimeout
        is raised in a function, a command gets SIGTERM.
    :param hard: The time after which the work of a subtask is killed.
    :param run: The time after which the whole run fails.
    :param queue: The time after which a run that is still queued fails.
    """

    def __init__(
        self,
        *,
        soft: timedelta | str | float | None = ...,
        hard: timedelta | str | float | None = ...,
        run: timedelta | str | float | None = ...,
        queue: timedelta | str | float | None = ...,
    ) -> None: ...

class Volume(_spec.Volume):
    """A volume that is mounted at ``path``, with exactly one source.

    :param path: The mount path in the container.
    :param claim: The name of a PersistentVolumeClaim.
    :param config_map: The name of a ConfigMap, mounted with one file per key.
    :param empty: The size limit of an emptyDir volume.
    :param host_path: A path of the node (hostPath). It requires [mcp] pod_override = any.
    :param sub_path: The path inside the volume to mount (subPath).
    :param read_only: Whether the volume is mounted read-only.
    """

    def __init__(
        self,
        *,
        path: str,
        claim: str | None = ...,
        config_map: str | None = ...,
        empty: str | float | None = ...,
        host_path: str | None = ...,
        sub_path: str | None = ...,
        read_only: bool = ...,
    ) -> None: ...

class Watch(_spec.Watch):
    """A Python function, a command or a message queue; exactly one of the three is set.

    :param python: The function to call, as module.path:function. It returns the conf of the run to start, or
        nothing when there is no work.
    :param command: A program and its arguments. It prints the conf of the run to start as JSON, or nothing.
    :param queue: A message queue: a scheme (or a URI) of a provider for Airflow's common.messaging. A message
        starts a run with the conf {message: …}.
    :param args: The arguments of the queue's trigger, for example its connection. Only with queue.
    :param every: The time between two checks, 1s or more.
    :param timeout: The time limit of one check, at most 10m; then it is killed.
    """

    def __init__(
        self,
        *,
        python: str | None = ...,
        command: Sequence[str] | None = ...,
        queue: str | None = ...,
        args: Mapping[str, Any] = ...,
        every: timedelta | str | float = ...,
        timeout: timedelta | str | float = ...,
    ) -> None: ...

def job(
    *,
    plan: PythonWork | CommandWork | ShellWork | ContainerWork | Items | Callable[..., Any] | Iterable[Any],
    report: PythonWork | CommandWork | ShellWork | Callable[..., Any] | None = ...,
    id: str | None = ...,
    description: str = ...,
    owner: str = ...,
    tags: Sequence[str] = ...,
    params: Mapping[str, Mapping[str, Any]] = ...,
    subtasks: Subtasks = ...,
    retries: Retries = ...,
    timeouts: Timeouts = ...,
    queue: Queue = ...,
    schedule: Schedule | None = ...,
    on: On | None = ...,
    pod: Pod | None = ...,
    control: Literal["pod", "local"] = ...,
) -> Callable[[Callable[_P, _R]], Job[_P, _R]]:
    """Make a function the work of a job's subtasks, and its DAG, whose id is the name of the function.

    ``plan`` and ``report`` are work as in a spec, or functions; a plan may also be the list of items. The description
    is the function's docstring. The module of each function must be importable by its name: a file in the DAG folder,
    or an installed package. Raises SpecError when it is not, or when a field is not valid.
    """
