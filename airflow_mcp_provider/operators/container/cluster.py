"""Kubernetes as the engine of a container: the runner creates and follows a second pod.

The KubernetesPodOperator of Airflow's provider is not used: it reads the result with ``exec``, a permission for all
pods of the namespace, and has no way to enqueue subtasks. Here the result and the subtasks come out through logs; the
runner needs the permission to create, get and delete pods, and to read their logs.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from kubernetes import config
from kubernetes.client import ApiClient, Configuration, CoreV1Api
from kubernetes.client.rest import ApiException
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_fixed
from urllib3.exceptions import HTTPError

from airflow_mcp_provider.errors import InstallationError, InvalidPayload, SoftTimeout
from airflow_mcp_provider.operators.container.followed import CALL_S, LAST_WORDS_S, LOOK_S, Followed
from airflow_mcp_provider.operators.container.manifest import Runner, manifest, name_of, safe
from airflow_mcp_provider.runtime import container
from airflow_mcp_provider.runtime.container import ContainerRequest, failed

_RIGHTS = (
    "the service account of this runner is not allowed to {what} in the namespace {namespace} ({why}); see "
    "docs/containers.md for its permissions, and [mcp] container_service_account for its name"
)


def core() -> CoreV1Api:
    """Return a client with its own connections: those from before a fork cannot be shared."""
    configuration = Configuration()
    config.load_incluster_config(client_configuration=configuration)
    return CoreV1Api(ApiClient(configuration))


@dataclass(frozen=True)
class Cluster:
    """The Kubernetes engine (see ``runtime.container``); ``settings``, ``ooms``: see ``operators.container.choice``."""

    runner: Runner
    settings: Mapping[str, Any]
    ooms: int
    name: str

    @classmethod
    def here(cls, pod: str, namespace: str, settings: Mapping[str, Any], ooms: int, labels: Mapping[str, str]) -> Self:
        """Read the pod of this runner; raises InstallationError when that is not allowed.

        ``labels`` are used if that pod has none: the executor does not create the pods of all runners.
        """
        try:
            own = core().read_namespaced_pod(pod, namespace, _request_timeout=CALL_S)
        except ApiException as error:
            raise InstallationError(_RIGHTS.format(what="read pods", namespace=namespace, why=_why(error))) from None
        return cls(_runner(own, labels), settings, ooms, name_of(own.metadata.name, secrets.token_hex(3)))

    def prepare(self) -> None:
        """Do nothing: Kubernetes deletes the pod with the pod of the runner."""

    def run(self, request: ContainerRequest) -> Any:  # noqa: ANN401 - any JSON
        """See ``runtime.container.Engine``."""
        _check_variables(request)
        api = core()
        follow = Followed(self.place, request, core)
        try:
            self._create(api, request)
            return follow.to_the_end()
        except SoftTimeout:
            self._delete(api, max(request.grace, 1))
            follow.until_gone(request.grace + LAST_WORDS_S)
            container.raise_soft_timeout()

    def remove(self) -> None:
        """See ``runtime.container.Engine``."""
        try:
            self._delete(core(), 1)
        except (ApiException, HTTPError, OSError) as error:
            message = f"cannot delete pod {self.name}; Kubernetes deletes it with the pod of this runner: {error}"
            print(message, flush=True)  # noqa: T201 - the task's log

    @property
    def place(self) -> tuple[str, str]:
        """Name and namespace, as the client's methods take them."""
        return self.name, self.runner.namespace

    def _create(self, api: CoreV1Api, request: ContainerRequest) -> None:
        body = manifest(request, self.settings, self.ooms, self.runner, self.name)
        printed: list[str] = []

        def report(state: RetryCallState) -> None:
            if (why := _answer(state)) not in printed[-1:]:
                print(f"pod not created yet: {why}", flush=True)  # noqa: T201 - the task's log
                printed.append(why)

        until = stop_after_delay(request.start)
        tries = Retrying(
            retry=retry_if_result(bool),
            stop=until,
            wait=wait_fixed(LOOK_S),
            before_sleep=report,
            retry_error_callback=_answer,
        )
        if why := tries(self._refused, api, body):
            raise failed(f"pod not created within {request.start:g} s: {why}", "PodNotCreated")

    def _refused(self, api: CoreV1Api, body: dict[str, Any]) -> str:
        """Create the pod; returns the reason of a failure that may be temporary, else an empty text."""
        try:
            api.create_namespaced_pod(self.runner.namespace, body, _request_timeout=CALL_S)
        except ApiException as error:
            why = _why(error)
            if error.status == HTTPStatus.CONFLICT:  # created by an earlier call, whose answer was lost
                return ""
            if "exceeded quota" in why or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return why
            if error.status == HTTPStatus.FORBIDDEN and "cannot create resource" in why:
                where = self.runner.namespace
                raise InstallationError(_RIGHTS.format(what="create pods", namespace=where, why=why)) from None
            raise failed(f"Kubernetes rejected the pod: {why}", "PodNotCreated") from None
        except (HTTPError, OSError) as error:
            return f"Kubernetes does not answer: {type(error).__name__}"
        return ""

    def _delete(self, api: CoreV1Api, grace: float) -> None:
        try:
            api.delete_namespaced_pod(*self.place, grace_period_seconds=int(grace), _request_timeout=CALL_S)
        except ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


def _answer(state: RetryCallState) -> str:
    assert state.outcome is not None  # noqa: S101 - the call has ended
    return str(state.outcome.result())


def _why(error: ApiException) -> str:
    with suppress(ValueError, TypeError, KeyError):
        return str(json.loads(error.body)["message"])
    return f"{error.status} {error.reason}"


def _runner(pod: Any, labels: Mapping[str, str]) -> Runner:  # noqa: ANN401 - a V1Pod
    own = next((one for one in pod.spec.containers if one.name == "base"), pod.spec.containers[0])
    return Runner(
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        namespace=pod.metadata.namespace,
        image=own.image,
        pull_policy=own.image_pull_policy,
        pull_secrets=tuple(one.name for one in pod.spec.image_pull_secrets or []),
        labels={**{name: safe(text) for name, text in labels.items()}, **(pod.metadata.labels or {})},
        annotations=pod.metadata.annotations or {},
    )


def _check_variables(request: ContainerRequest) -> None:
    """Raise InvalidPayload if payload or params are too large for a variable: the pod has no files for them."""
    if lost := [name for name in ("MCP_SUBTASK", "MCP_PARAMS") if name not in request.environment]:
        raise InvalidPayload(
            f"{' and '.join(lost)} too large for an environment variable of a pod; expected at most 128 KiB: "
            "put the data in an object store and pass its URL"
        )
