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
        ("5", "job.yaml:3: pod: invalid value 5; expected a mapping"),
        (
            "{imag: x}",
            'job.yaml:3: pod.imag: unknown key "imag" (did you mean image?); expected one of image, pull_policy',
        ),
        (
            "{resources: {limits: {memory: 5GB}}}",
            'pod.resources.limits.memory: invalid quantity "5GB"; expected for',
        ),
        ("{resources: {limit: {}}}", 'pod.resources.limit: unknown key "limit" (did you mean limits?)'),
        (
            "{pull_policy: Sometimes}",
            'pod.pull_policy: unsupported pull policy "Sometimes"; expected one of Always',
        ),
        ("{env: {A: [1]}}", "pod.env.A: invalid value (a list); expected a string, a number"),
        ("{env: {1a: x}}", "pod.env.1a: invalid variable name"),
        ("{secrets: [{name: db, env: A}]}", "pod.secrets.0: missing key or env; expected both, or neither"),
        ("{secrets: [{name: db, key: a, env: A, path: /x}]}", "pod.secrets.0: conflicting keys env and path"),
        ("{volumes: [{path: data, claim: c}]}", 'pod.volumes.0.path: invalid mount path "data"'),
        (
            "{volumes: [{path: /d}]}",
            "pod.volumes.0: invalid source of a volume: none; expected one of claim, config_map",
        ),
        ("{volumes: [{path: /d, claim: c, empty: 1Gi}]}", "pod.volumes.0: invalid source of a volume: claim, empty"),
        ("{on_oom: {memory: x1, max: 8Gi}}", "pod.on_oom.memory: factor too small: x1; expected more than"),
        ("{on_oom: {memory: double, max: 8Gi}}", 'pod.on_oom.memory: invalid factor "double"; expected x and a n'),
        ("{on_oom: {memory: x2}}", 'pod.on_oom.max: missing required key; expected for example "8Gi"'),
        ("{service_account: My_Account}", 'pod.service_account: invalid Kubernetes name "My_Account"'),
        ("{tolerations: {key: a}}", "pod.tolerations: invalid value (a mapping); expected a list"),
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
    with pytest.raises(SpecError, match=r"invalid source of a volume:"):
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
        assert f'{path}: reserved label or annotation "{name}"; expected a name that Airflow, its Helm chart' in wrong(
            pod
        )


@pytest.mark.parametrize("key", ["name", "namespace", "ownerReferences", "finalizers", "generateName", "uid"])
def test_of_metadata_only_labels_and_annotations_are_the_jobs(key):
    assert f'pod.override.metadata.{key}: unsupported key "{key}"; expected one of labels, annotations' in wrong(
        f"{{override: {{metadata: {{{key}: x}}}}}}"
    )


def test_other_labels_are_the_jobs_own():
    pod = (
        "{labels: {team: web, app.kubernetes.io/name: x, example.com/tier: y}, override: {metadata: {labels: {a: b}}}}"
    )
    assert parse_job(JOB + pod, id="job").pod.labels["example.com/tier"] == "y"
