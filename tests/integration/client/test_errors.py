"""What goes wrong, and which next step a command names; on a real Airflow."""

import time

import httpx
import pytest

from airflow_mcp_provider.embedded.airflow import USER
from tests.sizes import patient

CASES = {
    "another port": ("mcp-jobs list --url http://127.0.0.1:9", 9, ["cannot connect", "start the API server", "--url"]),
    "no HTTP API": ("mcp-jobs list --url {url}/docs", 7, ["check the URL", "airflow mcp check"]),
    "not a URL": ("mcp-jobs list --url localhost:8080", 2, ["expected for example http://localhost:8080"]),
    "no token": ("AIRFLOW_CLI_TOKEN= mcp-jobs list", 8, ["--token or AIRFLOW_CLI_TOKEN", "--user"]),
    "a wrong token": ("mcp-jobs list --token wrong", 8, ["--token or AIRFLOW_CLI_TOKEN", "--user"]),
    "an expired token": ("mcp-jobs list --token {expired}", 8, ["xpired", "--token or AIRFLOW_CLI_TOKEN", "--user"]),
    "a wrong password": ("echo no | mcp-jobs list --user admin", 8, ["check the user and the password"]),
    "an unknown job": ("mcp-jobs submit steerd", 7, ["did you mean steered?"]),
    "an unknown run": ("mcp-jobs status nope", 7, ["mcp-jobs list JOB"]),
    "an unknown run of a job": ("mcp-jobs cancel steered nope", 7, ["nope", "mcp-jobs list"]),
    "an unknown param": ("mcp-jobs submit steered -c cuont=1", 2, ["cuont"]),
    "a wrong value": ("mcp-jobs submit steered -c count=many", 2, ["count", "integer"]),
    "no such file": ("mcp-jobs submit steered -c @nope.json", 2, ["nope.json"]),
}


@pytest.fixture(scope="module")
def expired(airflow):
    body = {"username": USER, "password": airflow.password}
    answer = httpx.post(f"{airflow.url}/auth/token/cli", json=body, timeout=patient(60))
    token = answer.raise_for_status().json()["access_token"]
    time.sleep(2)  # it is valid for one
    return token


@pytest.mark.parametrize("case", CASES)
def test_an_error_says_the_next_step(case, shell, airflow, expired):
    command, code, texts = CASES[case]
    done = shell(command.format(url=airflow.url, expired=expired))
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert "Traceback" not in done.stderr
    for text in texts:
        assert text in done.stderr


def test_a_token_for_a_user(shell, airflow):
    token = shell(f"echo '{airflow.password}' | mcp-jobs token --user {USER}").stdout.strip()
    assert shell("mcp-jobs list", AIRFLOW_CLI_TOKEN=token).returncode == 0
