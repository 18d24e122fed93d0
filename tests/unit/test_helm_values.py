"""helm-values/ is right by the chart's schema and by Kubernetes' models, and a runner holds no secret of Airflow."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from airflow_mcp_provider.embedded import recommended_settings
from airflow_mcp_provider.factory.pod.models import wrong

ROOT = Path(__file__).parents[2]
VALUES = ROOT / "helm-values"
SCHEMA = json.loads((ROOT / "tests/kubernetes/chart/values.schema.json").read_text())
SCRIPT = (ROOT / "scripts/cluster-secrets").read_text()
NEWER = {"enableServiceLinks"}  # of charts after the schema's; the older ones do not look at it


def read(name):
    return yaml.safe_load((VALUES / name).read_text())


SMALL, PRODUCTION, POD = read("small.yaml"), read("production.yaml"), read("pod_template.yaml")
OBJECTS = list(yaml.safe_load_all((VALUES / "production-objects.yaml").read_text()))
RUNNERS = list(yaml.safe_load_all((VALUES / "runners.yaml").read_text()))
LOGS = list(yaml.safe_load_all((VALUES / "production-logs.yaml").read_text()))
SPACE = "airflow-runners"
(RUNNER,) = POD["spec"]["containers"]
COMPONENTS = ("scheduler", "dagProcessor", "triggerer", "apiServer", "migrateDatabaseJob")


@pytest.mark.parametrize("values", [SMALL, PRODUCTION], ids=["small", "production"])
def test_values_fit_the_schema_of_the_chart(values):
    validator = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
    assert [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(values)] == []
    assert set(values) - set(SCHEMA["properties"]) - NEWER == set()


def test_the_schema_refuses_what_is_wrong():
    validator = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
    assert list(validator.iter_errors({"scheduler": {"replica": 2}}))
    assert list(validator.iter_errors({"executor": "kubernetes"}))


def test_the_pod_template_fits_the_models():
    assert list(wrong(POD, "V1Pod", ())) == []


@pytest.mark.parametrize("shown", OBJECTS + RUNNERS + LOGS, ids=lambda shown: shown["kind"])
def test_the_objects_fit_the_models(shown):
    assert list(wrong(shown, f"V1{shown['kind']}", ())) == []


def test_a_runner_holds_no_secret_of_airflow():
    told = {variable["name"]: variable["value"] for variable in RUNNER["env"]}  # a KeyError would be a valueFrom
    assert set(told) == {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "HOME"}
    assert RUNNER["envFrom"] == [{"configMapRef": {"name": "airflow-settings"}}]
    assert [set(volume) - {"name"} for volume in POD["spec"]["volumes"]] == [{"emptyDir"}, {"persistentVolumeClaim"}]
    assert POD["spec"]["automountServiceAccountToken"] is False


def test_a_runner_is_restricted():
    """What Kubernetes calls the restricted standard of pod security, and a root file system that stays as it is."""
    assert POD["spec"]["securityContext"]["runAsNonRoot"]
    assert POD["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert RUNNER["securityContext"] == PRODUCTION["securityContexts"]["containers"]
    assert PRODUCTION["securityContexts"]["containers"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def test_no_policy_lets_a_runner_to_the_database():
    """The chart's pooler is open to all pods of the tier."""
    assert "tier" not in POD["metadata"]["labels"]
    callers = [
        each["podSelector"]["matchLabels"] for each in PRODUCTION["apiServer"]["networkPolicy"]["ingress"]["from"]
    ]
    assert any(labels.items() <= POD["metadata"]["labels"].items() for labels in callers)


@pytest.mark.parametrize("values", [SMALL, PRODUCTION], ids=["small", "production"])
def test_everything_asks_for_what_it_needs(values):
    for name in COMPONENTS:
        assert {"requests", "limits"} == set(values[name]["resources"]), name
        assert "cpu" not in values[name]["resources"]["limits"], name
        groomer = values[name].get("logGroomerSidecar", {"enabled": False})
        assert "resources" in groomer or groomer == {"enabled": False}, name


def test_no_secret_is_in_the_values_and_each_is_made_by_the_script():
    for values in (SMALL, PRODUCTION):
        named = re.findall(
            r"airflow-(?:\w+-)*(?:key|secret|database|passwords|postgresql|pgbouncer|stats)\b", json.dumps(values)
        )
        assert {"airflow-fernet-key", "airflow-api-secret-key", "airflow-jwt-secret", "airflow-database"} <= set(named)
        assert [name for name in named if f"make {name} " not in SCRIPT] == []
        assert {"fernetKey", "apiSecretKey", "jwtSecret"} & set(values) == set()


def test_small_and_production_are_the_same_where_nothing_sets_them_apart():
    same = (
        "airflowVersion",
        "env",
        "extraEnvFrom",
        "securityContexts",
        "volumes",
        "volumeMounts",
        "logs",
        "enableServiceLinks",
    )
    assert {name: SMALL[name] for name in same} == {name: PRODUCTION[name] for name in same}
    for name in ("scheduler", "dagProcessor", "triggerer"):
        assert SMALL[name]["livenessProbe"] == PRODUCTION[name]["livenessProbe"], name


def test_settings_are_said_once():
    """settings.env reaches every container by a config map."""
    told = {setting.name for setting in recommended_settings.load()}
    files = [*VALUES.iterdir(), ROOT / "docker-compose.yaml", ROOT / "Dockerfile"]
    assert [name for name in told for file in files if name in file.read_text()] == []
    options = {
        (section, option) for values in (SMALL, PRODUCTION) for section, o in values["config"].items() for option in o
    }
    assert options & {setting.option for setting in recommended_settings.load()} == set()


def test_nobody_but_the_scheduler_may_touch_pods():
    roles = {each["metadata"]["name"]: each["rules"] for each in RUNNERS if each["kind"] == "Role"}
    bindings = {each["roleRef"]["name"]: each["subjects"] for each in RUNNERS if each["kind"] == "RoleBinding"}
    assert not [each for each in OBJECTS if each["kind"] in ("Role", "RoleBinding")]
    for name, account in (
        ("airflow-scheduler-pods", "airflow-scheduler"),
        ("airflow-api-server-logs", "airflow-api-server"),
    ):
        assert bindings[name] == [{"kind": "ServiceAccount", "name": account, "namespace": "airflow"}]
    resources = {resource for rules in roles.values() for rule in rules for resource in rule["resources"]}
    assert resources == {"pods", "pods/log", "resourcequotas"}
    reads = {verb for rule in roles["airflow-api-server-logs"] for verb in rule["verbs"]}
    assert reads == {"get", "list"}
    assert PRODUCTION["allowPodLaunching"] is False


def test_runners_are_apart_from_the_keys():
    (space,) = (each["metadata"] for each in RUNNERS if each["kind"] == "Namespace")
    assert (space["name"], space["labels"]["pod-security.kubernetes.io/enforce"]) == (SPACE, "restricted")
    assert {each["metadata"]["namespace"] for each in RUNNERS if each["kind"] != "Namespace"} == {SPACE}
    assert PRODUCTION["config"]["kubernetes_executor"]["namespace"] == "{{ .Release.Namespace }}-runners"
    assert "-api-server.{{ .Release.Namespace }}:" in RUNNER["env"][0]["value"]
    assert 'settings "$namespace-runners"' in SCRIPT
    callers = PRODUCTION["apiServer"]["networkPolicy"]["ingress"]["from"]
    assert SPACE in [
        one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for one in callers
        if "namespaceSelector" in one
    ]


def test_both_namespaces_have_the_same_logs():
    volume, claim = LOGS
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    assert claim["metadata"] == {"name": "airflow-logs", "namespace": "NAMESPACE"}


def test_one_version_of_airflow_is_named_everywhere():
    (version,) = re.findall(r"^apache-airflow==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert {SMALL["airflowVersion"], PRODUCTION["airflowVersion"]} == {version}
    assert f"slim-{version}-python" in (ROOT / "Dockerfile").read_text()
