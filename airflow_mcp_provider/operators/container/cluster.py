"""Kubernetes as the engine of a container: a pod of its own, made and followed by the runner.

Beside the pod operator of Airflow's provider, whose parts this was weighed against: that one reads a result by running
programs in the pod (the right to do which reaches into every pod of the namespace) and has no way for subtasks that are
found on the way. Here all comes out by logs; the runner may make, read and delete pods, and read their logs.
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
from airflow_mcp_provider.runtime.container import Order, failed

_RIGHTS = (
    "the service account of this runner may not {what} in the namespace {namespace} ({why}); docs/containers.md tells "
    "the rights that it needs, and [mcp] container_service_account its name"
)


def core() -> CoreV1Api:
    """Return a client with connections of its own: those of a process before a fork are not."""
    configuration = Configuration()
    config.load_incluster_config(client_configuration=configuration)
    return CoreV1Api(ApiClient(configuration))


@dataclass(frozen=True)
class Cluster:
    """An Engine (``runtime.container``); ``told`` is what the factory says of the pod."""

    runner: Runner
    told: Mapping[str, Any]
    ooms: int
    name: str

    @classmethod
    def here(cls, pod: str, namespace: str, told: Mapping[str, Any], ooms: int, labels: Mapping[str, str]) -> Self:
        """Look at the pod that this is; raises InstallationError when it may not.

        ``labels`` are for people, where that pod has none: it is not always one of the executor's.
        """
        try:
            own = core().read_namespaced_pod(pod, namespace, _request_timeout=CALL_S)
        except ApiException as error:
            raise InstallationError(_RIGHTS.format(what="read pods", namespace=namespace, why=_why(error))) from None
        return cls(_runner(own, labels), told, ooms, name_of(own.metadata.name, secrets.token_hex(3)))

    def run(self, order: Order) -> Any:  # noqa: ANN401 - any JSON
        """See ``runtime.container.Engine``."""
        _check_variables(order)
        api = core()
        follow = Followed(self.place, order, core)
        try:
            self._create(api, order)
            return follow.to_the_end()
        except SoftTimeout:
            self._delete(api, max(order.grace, 1))
            follow.until_gone(order.grace + LAST_WORDS_S)
            container.asked_to_end()

    def remove(self) -> None:
        """See ``runtime.container.Engine``."""
        try:
            self._delete(core(), 1)
        except (ApiException, HTTPError, OSError) as error:
            print(f"the pod {self.name} could not be deleted; it goes with this one: {error}", flush=True)  # noqa: T201 - the task's log

    @property
    def place(self) -> tuple[str, str]:
        """As the client's methods take it."""
        return self.name, self.runner.namespace

    def _create(self, api: CoreV1Api, order: Order) -> None:
        body = manifest(order, self.told, self.ooms, self.runner, self.name)
        said: list[str] = []

        def say(state: RetryCallState) -> None:
            if (why := _answer(state)) not in said[-1:]:
                print(f"no pod yet: {why}", flush=True)  # noqa: T201 - the task's log
                said.append(why)

        until = stop_after_delay(order.start)
        tries = Retrying(
            retry=retry_if_result(bool),
            stop=until,
            wait=wait_fixed(LOOK_S),
            before_sleep=say,
            retry_error_callback=_answer,
        )
        if why := tries(self._refused, api, body):
            raise failed(f"no pod within {order.start:g} s: {why}", "PodNotCreated")

    def _refused(self, api: CoreV1Api, body: dict[str, Any]) -> str:
        """Make the pod; returns why not, where that may change."""
        try:
            api.create_namespaced_pod(self.runner.namespace, body, _request_timeout=CALL_S)
        except ApiException as error:
            why = _why(error)
            if error.status == HTTPStatus.CONFLICT:  # of an earlier call, whose answer was lost
                return ""
            if "exceeded quota" in why or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return why
            if error.status == HTTPStatus.FORBIDDEN and "cannot create resource" in why:
                where = self.runner.namespace
                raise InstallationError(_RIGHTS.format(what="make pods", namespace=where, why=why)) from None
            raise failed(f"Kubernetes refuses the pod: {why}", "PodNotCreated") from None
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


def _check_variables(order: Order) -> None:
    """Raise InvalidPayload where payload or params are too large for a variable: a pod has no file for them."""
    if lost := [name for name in ("MCP_SUBTASK", "MCP_PARAMS") if name not in order.environment]:
        raise InvalidPayload(
            f"{' and '.join(lost)} is larger than a variable of a pod may be (128 KiB), and a pod has no file for it: "
            "put the data in a store and pass its address"
        )
