"""The web shop of examples/ as a process of its own."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx

from airflow_mcp_provider.embedded.airflow import USER, Embedded
from tests.integration.client.conftest import SHOP
from tests.sizes import patient


@contextmanager
def served(airflow: Embedded):
    """Start the app in front of an Airflow, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {"AIRFLOW_URL": airflow.url, "AIRFLOW_USER": USER, "AIRFLOW_PASSWORD": airflow.password}
    command = [sys.executable, "-m", "uvicorn", "shop:app", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--log-level", "warning", "--timeout-graceful-shutdown", "1"], cwd=SHOP, env={**os.environ, **own}
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(patient(20))


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + patient(60)
    while not _up(url):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)


def _up(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
