import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import OnOom, Pod, Secret, Volume, parse_job

JOB = "plan: {items: [1]}\nrun: {shell: x}\npod: "


def wrong(pod: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse_job(JOB + pod, id="job", source="job.yaml")
    return str(caught.value)


def test_plain_values_become_what_kubernetes_wants():
    pod = parse_job(JOB + "{env: {A: 1, B: true, C: x}, resources: {requests: {cpu: 0.5}}}", id="job").pod
    assert pod.env == {"A": "1", "B": "true", "C": "x"}
    assert pod.resources.requests == {"cpu": "0.5"}


@pytest.mark.parametrize("pod", ["", "null", "~"])
def test_no_pod(pod):
    assert parse_job(JOB + pod, id="job").pod is None


@pytest.mark.parametrize(
    ("pod", "told"),
    [
        ("5", "job.yaml:3: pod: must be a mapping; given 5"),
        ("{imag: x}", "job.yaml:3: pod.imag: is an unknown key, did you mean image?; allowed image, pull_policy"),
        (
            "{resources: {limits: {memory: 5GB}}}",
            'pod.resources.limits.memory: is no quantity; given "5GB"; allowed a n',
        ),
        ("{resources: {limit: {}}}", "pod.resources.limit: is an unknown key, did you mean limits?"),
        (
            "{pull_policy: Sometimes}",
            'pod.pull_policy: is no pull policy; given "Sometimes"; allowed Always, IfNotPres',
        ),
        ("{env: {A: [1]}}", "pod.env.A: must be a plain value; given a list; allowed a string, a number"),
        ("{env: {1a: x}}", "pod.env.1a: is no name of a variable"),
        ("{secrets: [{name: db, env: A}]}", "pod.secrets.0: lacks one of key and env; allowed both, or neither"),
        ("{secrets: [{name: db, key: a, env: A, path: /x}]}", "pod.secrets.0: goes two ways; given env and path"),
        ("{volumes: [{path: data, claim: c}]}", 'pod.volumes.0.path: is no place in the pod; given "data"'),
        ("{volumes: [{path: /d}]}", "pod.volumes.0: needs one source; given none; allowed one of claim, config_map"),
        ("{volumes: [{path: /d, claim: c, empty: 1Gi}]}", "pod.volumes.0: needs one source; given claim and empty"),
        ("{on_oom: {memory: x1, max: 8Gi}}", "pod.on_oom.memory: is no more than before; given x1; allowed more than"),
        ("{on_oom: {memory: double, max: 8Gi}}", 'pod.on_oom.memory: is no factor; given "double"; allowed x and a n'),
        ("{on_oom: {memory: x2}}", 'pod.on_oom.max: is missing; allowed such as "8Gi"'),
        ("{service_account: My_Account}", 'pod.service_account: is no name in Kubernetes; given "My_Account"'),
        ("{tolerations: {key: a}}", "pod.tolerations: must be a list"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(pod, told):
    assert told in wrong(pod)


def test_the_python_twin():
    pod = Pod(
        secrets=[Secret(name="db", key="password", env="P")],
        volumes=[Volume(path="/data", claim="c")],
        on_oom=OnOom(memory="x1.5", max="8Gi"),
    )
    assert Pod.model_validate(pod.model_dump(mode="json")) == pod
    assert pod.on_oom.factor == 1.5
    with pytest.raises(SpecError, match=r"needs one source"):
        Volume(path="/data")


RESERVED_ONES = ("dag_id", "run_id", "try_number", "airflow-worker", "kubernetes_executor", "task_instance_id", "mcp/job",
                 "mcp/instance", "MCP/x", "airflow_executor_done", "airflow_pod_revoked", "tier")  # fmt: skip


@pytest.mark.parametrize("name", RESERVED_ONES)
@pytest.mark.parametrize("kind", ["labels", "annotations"])
def test_a_job_cannot_forge_whose_pod_it_is(kind, name):
    for pod, path in (
        (f"{{{kind}: {{{name}: x}}}}", f"pod.{kind}.{name}"),
        (f"{{override: {{metadata: {{{kind}: {{{name}: x}}}}}}}}", f"pod.override.metadata.{kind}.{name}"),
    ):
        assert f"{path}: is set by Airflow, its chart or this package" in wrong(pod)


@pytest.mark.parametrize("key", ["name", "namespace", "ownerReferences", "finalizers", "generateName", "uid"])
def test_of_metadata_only_labels_and_annotations_are_the_jobs(key):
    assert f"pod.override.metadata.{key}: is set by Airflow; allowed labels, annotations" in wrong(
        f"{{override: {{metadata: {{{key}: x}}}}}}"
    )


def test_other_labels_are_the_jobs_own():
    pod = (
        "{labels: {team: web, app.kubernetes.io/name: x, example.com/tier: y}, override: {metadata: {labels: {a: b}}}}"
    )
    assert parse_job(JOB + pod, id="job").pod.labels["example.com/tier"] == "y"
