"""A small client of Airflow's REST API.

Runs in the shell (``airflow mcp demo``) and in the integration tests. It retries reads when the server cannot be
reached, because tests kill the server. It does not retry writes, except ``cancel``, because they may not be idempotent.

All methods raise ``httpx.HTTPStatusError`` for an error response, and ``httpx.TransportError`` when the server cannot
be reached.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx
from tenacity import (
    retry,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from airflow_mcp_provider.errors import InstallationError

Json = dict[str, Any]
ENDED = ("success", "failed")
PATIENCE = 60.0  # seconds for which a read is retried while the server restarts
PAGE = 100  # rows per request, the maximum of the server


def _is_of_server(error: BaseException) -> bool:
    return isinstance(error, httpx.HTTPStatusError) and error.response.is_server_error


class Api:
    """The REST API of the server at ``url``, with the credentials of one user."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}
        self._open = httpx.Client(base_url=url, timeout=60)

    @cached_property
    def _client(self) -> httpx.Client:
        answer = self._open.post("/auth/token", json=self._credentials).raise_for_status()
        token = answer.json()["access_token"]
        return httpx.Client(base_url=f"{self.url}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def close(self) -> None:
        """Close the connections."""
        self._open.close()
        if "_client" in self.__dict__:
            self._client.close()

    def alive(self) -> bool:
        """Whether the server responds."""
        try:
            return self._open.get("/api/v2/version").is_success
        except httpx.TransportError:
            return False

    @retry(
        retry=retry_if_exception_type(httpx.TransportError),
        stop=stop_after_delay(PATIENCE),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    def get(self, path: str, **query: object) -> Json:
        """Return the JSON of a GET request; ``path`` is relative to ``/api/v2``."""
        return _body(self._client.get(path, params=_parameters(query)))

    def post(self, path: str, body: object) -> Json:
        """Send a POST request with a JSON body and return the JSON of the response."""
        return _body(self._client.post(path, json=body))

    def put(self, path: str, body: object) -> Json:
        """Send a PUT request with a JSON body and return the JSON of the response."""
        return _body(self._client.put(path, json=body))

    def patch(self, path: str, body: object) -> Json:
        """Send a PATCH request with a JSON body and return the JSON of the response."""
        return _body(self._client.patch(path, json=body))

    def delete(self, path: str) -> None:
        """Send a DELETE request."""
        _body(self._client.delete(path))

    def trigger(self, dag_id: str, conf: Mapping[str, object] | None = None, **more: object) -> str:
        """Trigger a run and return its id; ``more`` are other fields of the request, for example ``run_after``."""
        body = {"logical_date": None, "conf": dict(conf or {}), **more}
        return str(self.post(f"/dags/{quote(dag_id)}/dagRuns", body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Json:
        """Return a run."""
        return self.get(_run_path(dag_id, run_id))

    @retry(retry=retry_if_exception(_is_of_server), stop=stop_after_attempt(5), wait=wait_fixed(0.5), reraise=True)
    def cancel(self, dag_id: str, run_id: str) -> Json:
        """Cancel a run: mark it as failed.

        The API server updates the tasks before the run, the scheduler the run before the tasks. In a deadlock Postgres
        cancels one of the transactions, and the response is 500. Nothing was changed then, so the call is retried.
        """
        return self.patch(_run_path(dag_id, run_id), {"state": "failed"})

    def wait(self, dag_id: str, run_id: str, timeout: float = 120) -> Json:
        """Return the run when it has ended; raises TimeoutError after ``timeout`` seconds."""
        until = time.monotonic() + timeout
        while (run := self.run(dag_id, run_id))["state"] not in ENDED:
            if time.monotonic() > until:
                raise TimeoutError(
                    f"run {run_id} of {dag_id} still {run['state']} after {timeout} s; states of its task instances: "
                    f"{self._states(dag_id, run_id)}"
                )
            time.sleep(0.2)
        return run

    def task_instances(self, dag_id: str, run_id: str, **query: object) -> list[Json]:
        """Return all task instances of a run, ordered by map index."""
        found: list[Json] = []
        while True:
            path = f"{_run_path(dag_id, run_id)}/taskInstances"
            page = self.get(path, limit=PAGE, offset=len(found), order_by="map_index", **query)["task_instances"]
            found.extend(page)
            if len(page) < PAGE:
                return found

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:  # noqa: ANN401 - any JSON
        """Return the value of an XCom of a task instance."""
        path = f"{_task_path(dag_id, run_id, task_id)}/xcomEntries/{quote(key)}"
        return self.get(path, map_index=map_index, deserialize=True)["value"]

    def state_store(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Json:
        """Return the task state store of a task instance as a mapping from key to value."""
        path = f"{_task_path(dag_id, run_id, task_id)}/state-store"
        entries = self.get(path, map_index=map_index, limit=PAGE)["task_state_store"]
        return {entry["key"]: entry["value"] for entry in entries}

    def log(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, attempt: int = 1) -> str:
        """Return the log of a task instance as text, with one event per line."""
        path = f"{_task_path(dag_id, run_id, task_id)}/logs/{attempt}"
        content = self.get(path, map_index=map_index, full_content=True)["content"]
        return "\n".join(line if isinstance(line, str) else str(line.get("event", line)) for line in content)

    def clear(self, dag_id: str, run_id: str, task_ids: list[object] | None = None, **more: object) -> list[Json]:
        """Clear a run, or some of its tasks, and return the cleared task instances.

        Each of ``task_ids`` is a task id or ``[task_id, map_index]``. ``more`` are other fields of the request.
        """
        body = {"dag_run_id": run_id, "dry_run": False, "only_failed": False, "reset_dag_runs": True, **more}
        if task_ids is not None:
            body["task_ids"] = task_ids
        cleared: list[Json] = self.post(f"/dags/{quote(dag_id)}/clearTaskInstances", body)["task_instances"]
        return cleared

    def import_errors(self) -> list[Json]:
        """Return the import errors of the DAG files."""
        errors: list[Json] = self.get("/importErrors", limit=PAGE)["import_errors"]
        return errors

    def wait_for_dag(self, dag_id: str, timeout: float = 120) -> Json:
        """Return the DAG as soon as it exists; raises InstallationError after ``timeout`` seconds."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            try:
                return self.get(f"/dags/{quote(dag_id)}")
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.NOT_FOUND:
                    raise
            time.sleep(0.1)
        errors = "\n".join(f"{error['filename']}: {error['stack_trace']}" for error in self.import_errors())
        raise InstallationError(f"DAG {dag_id!r} not found after {timeout} s; import errors:\n{errors or 'none'}")

    def _states(self, dag_id: str, run_id: str) -> dict[str, int]:
        states = [f"{row['task_id']}:{row['state']}" for row in self.task_instances(dag_id, run_id)]
        return {state: states.count(state) for state in sorted(set(states))}


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"


def _task_path(dag_id: str, run_id: str, task_id: str) -> str:
    return f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}"


def _parameters(query: Mapping[str, object]) -> httpx.QueryParams:
    return httpx.QueryParams({name: str(value) for name, value in query.items()})


def _body(answer: httpx.Response) -> Json:
    if answer.is_error:
        message = f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:2000]}"
        raise httpx.HTTPStatusError(message, request=answer.request, response=answer)
    body: Json = answer.json() if answer.content else {}
    return body
