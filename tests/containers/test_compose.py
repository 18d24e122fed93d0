"""docker-compose.yaml: read always, and started for real: all healthy, a job runs, its log is read, nothing stays."""

import base64
import json
import os
import re
import shlex
import socket
import subprocess
import time
from contextlib import closing

import pytest

from airflow_mcp_provider.client.airflow_rest import Api
from airflow_mcp_provider.embedded import recommended_settings
from tests.containers.engine import ROOT, compose_command, install, missing, output
from tests.sizes import patient

PROJECT = f"mcp-test-{os.getpid()}"
HEALTHY = 240  # seconds that a loaded machine may take
SERVICES = {"postgres", "init", "api-server", "scheduler", "dag-processor", "triggerer"}


class Composed:
    """The project's services as they run."""

    def __init__(self, docker, folder, port):
        self.docker, self.folder, self.port = docker, folder, port
        self.env = {**docker.env, "AIRFLOW_PORT": str(port), "COMPOSE_PROJECT_NAME": PROJECT}
        self.env["COMPOSE_HTTP_TIMEOUT"] = f"{patient(60):.0f}"  # its limit for each answer of the engine
        self.secrets = {path.name: path.read_text() for path in (folder / "secrets").iterdir()}

    def compose(self, *arguments, timeout=900):
        command = [*compose_command(), "--file", str(self.folder / "docker-compose.yaml"), *arguments]
        return output(command, self.env, timeout)

    def container(self, service):
        """The engine is asked: `docker-compose` takes a second of a processor for it."""
        labels = [f"label=com.docker.compose.{name}" for name in (f"project={PROJECT}", f"service={service}")]
        return self.docker.run("ps", "--all", "--quiet", "--filter", labels[0], "--filter", labels[1]).split()[0]

    def inspect(self, service):
        return json.loads(self.docker.run("inspect", self.container(service)))[0]

    def execute(self, service, *command):
        return self.docker.run("exec", self.container(service), *command, timeout=120)

    def health(self, *services):
        return {s: self.inspect(s)["State"]["Health"]["Status"] for s in services or SERVICES - {"init"}}

    def wait(self, *services):
        until = time.monotonic() + patient(HEALTHY)
        while set(self.health(*services).values()) != {"healthy"}:
            assert time.monotonic() < until, f"{self.health()}\n{self.compose('logs', '--tail', '30')}"
            time.sleep(0.5)

    def left(self):
        label = f"label=com.docker.compose.project={PROJECT}"
        kinds = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
        return [self.docker.run(*kind, "--quiet", "--filter", label).split() for kind in kinds]

    def api(self):
        password = json.loads(self.secrets["passwords.json"])["admin"]
        return closing(Api(f"http://127.0.0.1:{self.port}", "admin", password))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def secrets(project):
    """As the first line of docker-compose.yaml says."""
    subprocess.run(["scripts/secrets"], cwd=project, check=True)
    return project / "secrets"


@pytest.fixture(scope="module")
def composed(docker, image, project, secrets):
    up = Composed(docker, project, free_port())
    try:
        up.compose("up", "--detach", "--build")
        up.wait()
        yield up
    finally:
        up.compose("down", "--volumes", "--timeout", "3")
    assert up.left() == [[], [], []]


def test_the_file_is_right(project, secrets):
    if reason := missing():
        pytest.skip(reason)
    install()
    output([*compose_command(), "--file", str(project / "docker-compose.yaml"), "config", "--quiet"])


def test_secrets_are_made_once_and_readable_by_their_owner_alone(project, secrets):
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    subprocess.run(["scripts/secrets"], cwd=project, check=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert len(base64.urlsafe_b64decode(before["fernet_key"])) == 32
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert len(set(before.values())) == len(before)


def test_git_ignores_the_secrets():
    paths = ["secrets/fernet_key", "secrets/passwords.json", ".env"]
    assert output(["git", "check-ignore", *paths]).split() == paths


def test_all_are_healthy(composed):
    assert set(composed.health().values()) == {"healthy"}
    assert composed.inspect("init")["State"]["ExitCode"] == 0


def test_a_job_runs_and_its_log_is_read(composed):
    with composed.api() as api:
        api.wait_for_dag("inventory")
        run_id = api.trigger("inventory", {"path": "/opt/airflow/dags"})
        assert api.wait("inventory", run_id)["state"] == "success"
        assert "subtasks succeeded" in api.log("inventory", run_id, "report")
        assert api.xcom("inventory", run_id, "report")["state"] == "complete"


def test_the_commands_of_the_docs_run(composed):
    shown = re.findall(r"`docker compose exec ([^`]+)`", (ROOT / "docs" / "deploy.md").read_text())
    assert len(shown) > 1
    for command in shown:
        composed.execute(*shlex.split(command))


def test_an_edited_job_is_seen_without_a_build(composed):
    job = composed.folder / "dags" / "jobs" / "greet.yaml"
    job.write_text("plan: {items: [world]}\nrun: {shell: 'echo hello $MCP_SUBTASK_ITEM'}\n")
    with composed.api() as api:
        api.wait_for_dag("greet")


def test_the_settings_are_those_of_settings_env(composed):
    for service in SERVICES - {"postgres", "init"}:
        lines = composed.execute(service, "env").splitlines()
        assert recommended_settings.environment().items() <= dict(line.split("=", 1) for line in lines).items()


def test_nothing_is_missing_for_jobs(composed):
    found = json.loads(composed.execute("api-server", "airflow", "mcp", "check", "--output", "json"))
    assert [finding["name"] for finding in found if not finding["ok"]] == []


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_nobody_has_rights_that_are_not_needed(composed, service):
    inspected = composed.inspect(service)
    host = inspected["HostConfig"]
    assert inspected["Config"]["User"] not in {"", "0", "root"}
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]


def test_no_secret_is_in_an_environment(composed):
    inspected = "".join(json.dumps(composed.inspect(service)) for service in SERVICES)
    assert not [name for name, text in composed.secrets.items() if text in inspected]


def test_the_database_sees_no_secret_but_its_own(composed):
    assert composed.execute("postgres", "ls", "/run/secrets").split() == ["postgres_password"]


def test_only_this_machine_reaches_the_port(composed):
    ports = {s: composed.inspect(s)["HostConfig"]["PortBindings"] for s in SERVICES}
    published = [
        binding["HostIp"] for bindings in ports.values() for found in (bindings or {}).values() for binding in found
    ]
    assert published == ["127.0.0.1"]


def test_what_was_stored_is_read_after_a_new_start(composed):
    """The secrets and the database belong together: a new key could not read what the old one has written."""
    with composed.api() as api:
        api.post("/variables", {"key": "kept", "value": "by fernet"})
    composed.compose("down", "--timeout", "3")
    composed.compose("up", "--detach", "api-server")  # and what it needs
    composed.wait("api-server")
    with composed.api() as api:
        assert api.get("/variables/kept")["value"] == "by fernet"
