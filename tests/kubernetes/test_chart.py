"""helm-values/ with Airflow's official chart: looked at as it is rendered, and installed on a real cluster.

The cluster has no images but ours. Turned off for that alone: the chart's Postgres (another takes its name), pgbouncer
and statsd; what production.yaml says of these two is only looked at.
"""

import json
import os
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from airflow_mcp_provider.factory.pod.models import wrong
from tests.containers.engine import engine, missing
from tests.containers.images import build_image
from tests.containers.stand_in import postgres_name
from tests.kubernetes.chart.release import Release, chart, render
from tests.kubernetes.runners import until
from tests.sizes import patient

VALUES = ("small", "production")
WORKLOADS = ("Deployment", "StatefulSet", "Job")
SECRETS = (  # what no runner may hold
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
)
IMAGE = "airflow-mcp:latest"
FAB = "apache-airflow-providers-fab"  # the chart's login


@pytest.fixture(scope="session")
def where(tmp_path_factory):
    return chart(tmp_path_factory.mktemp("chart"))


def pods_of(objects):
    """The pods of Airflow's components, and of what stands beside them."""
    ours = [each for each in objects if each["kind"] in WORKLOADS and "postgresql" not in each["metadata"]["name"]]
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in ours}


def template_of(objects):
    (config,) = (e for e in objects if e["kind"] == "ConfigMap" and e["metadata"]["name"] == "airflow-config")
    return yaml.safe_load(config["data"]["pod_template_file.yaml"])


@pytest.mark.parametrize("values", VALUES)
def test_the_values_fit_the_schema_of_this_chart(where, values):
    schema = json.loads((where / "values.schema.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    given = yaml.safe_load(Path(f"helm-values/{values}.yaml").read_text())
    assert [error.message for error in validator.iter_errors(given)] == []


@pytest.mark.parametrize("values", VALUES)
def test_every_container_is_restricted_and_asks_for_what_it_needs(where, values):
    for name, spec in pods_of(render(where, values)).items():
        assert spec["securityContext"]["runAsNonRoot"], name
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"], (name, container["name"])
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} == set(container["resources"]), (name, container["name"])


@pytest.mark.parametrize("values", VALUES)
def test_a_rendered_runner_holds_no_secret(where, values):
    pod = template_of(render(where, values))
    assert list(wrong(pod, "V1Pod", ())) == []
    assert "{{" not in json.dumps(pod)
    assert pod["spec"]["serviceAccountName"] == "airflow-worker"
    assert pod["spec"]["containers"][0]["env"][0]["value"] == "http://airflow-api-server.airflow:8080/execution/"
    assert "secret" not in json.dumps(pod).lower()


def test_the_charts_own_template_gives_secrets_to_a_runner(where):
    """Why there is a template of ours; should this fail, the chart has become better. Charts up to 1.19 give the last, too."""
    plain = render(where, "small", "--set-file", "podTemplate=/dev/null")
    (runner,) = template_of(plain)["spec"]["containers"]
    assert {each["name"] for each in runner["env"]} >= set(SECRETS[:3])


@pytest.mark.parametrize("values", VALUES)
def test_nothing_is_made_by_chance(where, values):
    """What is rendered anew at each upgrade must be the same: a new key ends the tokens of all runners."""
    once, again = (
        [each for each in render(where, values) if each["metadata"]["name"] != "airflow-broker-url"] for _ in range(2)
    )
    assert once == again
    assert [each["metadata"]["name"] for each in once if each["kind"] == "Secret"] == []


def test_production_has_two_of_each(where):
    objects = render(where, "production")
    replicas = {e["metadata"]["name"]: e["spec"]["replicas"] for e in objects if e["kind"] == "Deployment"}
    names = ("api-server", "dag-processor", "pgbouncer", "scheduler", "triggerer")
    assert {f"airflow-{name}": 2 for name in names}.items() <= replicas.items()
    budgets = {e["metadata"]["name"] for e in objects if e["kind"] == "PodDisruptionBudget"}
    assert {f"airflow-{name}-pdb" for name in names if name != "dag-processor"} <= budgets  # that one is in the objects
    assert not any(e["kind"] == "Role" and "create" in str(e["rules"]) for e in objects)


@pytest.fixture(scope="session")
def images(where, cluster, tmp_path_factory):
    """Our image, made of our Dockerfile, and a Postgres."""
    if reason := missing():
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    tar = tmp_path_factory.mktemp("images") / "images.tar"
    if given := os.environ.get("MCP_TEST_CHART_IMAGES"):
        tar = Path(given)  # made before, by this
    else:
        with engine() as docker:
            build_image(docker, IMAGE, FAB)
            docker.run("save", "--output", str(tar), IMAGE, postgres_name(), timeout=600)
    cluster.load_image(tar)


@pytest.fixture
def release(request, where, cluster, images, tmp_path):
    values, options = request.param
    made = Release(cluster, where, f"test-{values}", values, options)
    try:
        yield made
    finally:
        made.remove()


def seen_running(release, api, run_id):
    """Look into a runner while it runs: its environment by name, and what it may write."""
    look = "tr '\\0' '\\n' </proc/1/environ; touch /opt/airflow/x 2>&1; id -u"
    until = time.monotonic() + patient(300)
    while api.run("inventory", run_id)["state"] not in {"success", "failed"} and time.monotonic() < until:
        for pod in release.runners():
            try:
                return release.cluster.kubectl(
                    "--namespace", release.space, "exec", pod["metadata"]["name"], "--", "sh", "-c", look
                )
            except RuntimeError:
                time.sleep(0.2)  # not there yet, or gone
    raise AssertionError("no runner was seen")


def run_a_job(release, password):
    with release.api(password) as api:
        api.wait_for_dag("inventory", timeout=300)
        run_id = api.trigger("inventory", {"path": "/opt/airflow/dags"})
        seen = seen_running(release, api, run_id)
        assert api.wait("inventory", run_id, timeout=300)["state"] == "success"
        until = time.monotonic() + patient(120)
        while release.runners():
            assert time.monotonic() < until, "a runner stays"
            time.sleep(0.5)
        assert "subtasks succeeded" in api.log("inventory", run_id, "report")  # the pods are gone, the log is not
    return seen


def look_at_runner(seen):
    names = {line.partition("=")[0] for line in seen.splitlines()}
    assert "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" in names
    assert not set(SECRETS) & {name.removesuffix("_CMD").removesuffix("_SECRET") for name in names}
    assert "Read-only file system" in seen
    assert seen.split()[-1] == "50000"


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("release", [("small", ("--set", "postgresql.enabled=false"))], indirect=True, ids=["small"])
def test_small_is_installed_runs_a_job_and_is_upgraded(release, tmp_path):
    release.script()
    release.add_database(tmp_path / "logs")
    release.install()
    password = json.loads(release.secret("airflow-passwords", "passwords.json"))["admin"]
    seen = run_a_job(release, password)
    look_at_runner(seen)
    secrets = release.secrets()
    assert not [key for data in secrets.values() for key in data.values() if key in seen]
    release.script()
    until("the end of the Job of the first", lambda: not release.kubectl("get", "jobs", "--output", "name").strip())
    release.install("--set", "airflowPodAnnotations.round=two")
    assert release.secrets() == secrets
    run_a_job(release, password)


WITHOUT_IMAGES = ("--set", "pgbouncer.enabled=false,statsd.enabled=false")


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("release", [("production", WITHOUT_IMAGES)], indirect=True, ids=["production"])
def test_production_is_installed_and_runs_a_job_while_pods_go(release, tmp_path):
    url = "postgresql://airflow:a%40b@airflow-postgresql:5432/airflow"
    release.cluster.kubectl("create", "namespace", release.namespace)
    direct = url.replace("postgresql:", "postgresql+psycopg2:", 1)  # there is no pgbouncer
    release.kubectl("create", "secret", "generic", "airflow-database", f"--from-literal=connection={direct}")
    release.kubectl("create", "secret", "generic", "airflow-postgresql", "--from-literal=password=a@b")
    release.script(url)
    assert '"airflow" "a@b"' in release.secret("airflow-pgbouncer", "users.txt")
    release.add_space()
    release.add_database(tmp_path / "logs")
    release.kubectl("apply", "--filename", "helm-values/production-objects.yaml")
    # Its policy names the namespace of a release that is called as the docs have it.
    selector = "apiServer.networkPolicy.ingress.from[1].namespaceSelector.matchLabels"
    release.install("--set", f"{selector}.kubernetes\\.io/metadata\\.name={release.space}")
    user = ["users", "create", "--role", "Admin", "--username", "admin", "--password", "of-the-test"]
    person = ["--firstname", "A", "--lastname", "B", "--email", "a@example.org"]
    release.kubectl("exec", "deployment/airflow-api-server", "--", "airflow", *user, *person)
    look_at_runner(run_a_job(release, "of-the-test"))
    for component in ("scheduler", "api-server", "dag-processor"):
        pods = release.pods(f"component={component}")
        assert len(pods) == 2
        release.kubectl("delete", "pod", pods[0]["metadata"]["name"], "--wait=false")
    run_a_job(release, "of-the-test")
    for account, verb, what, allowed in (
        ("scheduler", "create", "pods", "no"),
        ("scheduler", "create", "pods/exec", "no"),
        ("scheduler", "get", "secrets", "no"),
        ("worker", "create", "pods", "no"),
        ("triggerer", "create", "pods", "no"),
        ("api-server", "delete", "pods", "no"),
    ):
        assert may(release, account, verb, what) == allowed, (account, verb, what)


def may(release, account, verb, what):
    user = f"--as=system:serviceaccount:{release.namespace}:airflow-{account}"
    what, _, part = what.partition("/")  # kubectl takes what follows a slash for a name
    try:
        return release.kubectl("auth", "can-i", verb, what, f"--subresource={part}", user).strip()
    except RuntimeError:  # how kubectl says no
        return "no"
