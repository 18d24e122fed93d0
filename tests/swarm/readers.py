"""People who look at a run's page while it runs."""

import itertools
import threading
import time
from urllib.parse import quote

import httpx

from airflow_mcp_provider.embedded.airflow import USER, Embedded

EVERY = 0.5
PATIENCE = 60.0
"""Seconds for which a page waits for its answer."""
Read = tuple[float, float, int | str]
"""When it was answered, how long that took, and how."""


class Readers:
    """Two clients; each reads twice a second, the list of the runs and a page of the run's task instances in turn."""

    def __init__(self, airflow: Embedded, token: str, dag_id: str, run_id: str, number: int = 2) -> None:
        runs = f"/api/v2/dags/{dag_id}/dagRuns"
        self._paths = (f"{runs}?limit=10", f"{runs}/{quote(run_id, safe='')}/taskInstances?limit=50")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ended = threading.Event()
        self.reads: list[Read] = []
        self.begin = time.monotonic()
        urls = [airflow.urls[one % len(airflow.urls)] for one in range(number)]
        self._threads = [threading.Thread(target=self._read, args=(url,), daemon=True) for url in urls]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop, and wait for what is being read."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def standstill(self, end: float) -> float:
        """Return the longest time without any successful read."""
        good = sorted(at for at, _, code in self.reads if code == httpx.codes.OK and at < end)
        return max(later - earlier for earlier, later in itertools.pairwise([self.begin, *good, end]))

    def _read(self, url: str) -> None:
        with httpx.Client(base_url=url, headers=self._headers, timeout=PATIENCE) as client:
            for path in itertools.cycle(self._paths):
                if self._ended.is_set():
                    return
                begin = time.monotonic()
                code = _code(client, path)
                took = time.monotonic() - begin
                self.reads.append((begin + took, took, code))
                self._ended.wait(max(0.0, EVERY - took))


def _code(client: httpx.Client, path: str) -> int | str:
    try:
        return client.get(path).status_code
    except httpx.TransportError as error:
        return type(error).__name__


def token_of(airflow: Embedded) -> str:
    """Log in once: the token outlives a server's restart."""
    credentials = {"username": USER, "password": airflow.password}
    return str(httpx.post(f"{airflow.url}/auth/token", json=credentials, timeout=PATIENCE).json()["access_token"])
