import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from airflow_mcp_provider.spec import JobSpec, job_schema, load_job

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "dags" / "jobs").glob("*.yaml"))
SMALL = "plan: {items: [1]}\nrun: {shell: x}\n"
STAGED = "plan: {items: [1]}\nsteps: [{name: a, run: {shell: x}}, {name: b, run: {shell: x}, "

GOOD = [
    SMALL,
    "plan: {python: a:b}\nrun: {command: [sleep, 1]}\nreport: {shell: x}\n",
    "plan: {command: [a, '{b}']}\nrun: {python: a.b:c}\nparams: {url: {type: string}}\ntags: [a]\n",
    SMALL + "subtasks: {key: url, parallelism: 8, depth: 20, limit: 100, tolerate: 5%}\n",
    SMALL + "subtasks: {tolerate: 3}\n",
    SMALL + "schedule: {cron: '@daily', timezone: Europe/Berlin, coalesce: false}\n",
    SMALL + "schedule: {every: 5m, start: 2026-12-01T09:00}\n",
    SMALL + "schedule: {after: [b, c], misfire_grace: 1h}\n",
    SMALL + "retries: {attempts: 3, delay: 60, backoff: 2, max_delay: 1h30m, never_on: [ValueError]}\n",
    SMALL + "timeouts: {soft: 500ms, hard: 10m, run: 1d}\n",
    "plan: {items: [1]}\nsteps: [{name: a, run: {shell: x}}]\n",
    STAGED + "wait: all, subtasks: {limit: 5}, retries: {attempts: 1}, timeouts: {soft: 5, hard: 1m}}]\n",
]
BAD = [
    "plan: {items: [1]}\n",
    "plan: {items: [1]}\nrun: {items: [1]}\n",
    "plan: {items: [1]}\nrun: {shell: x, python: a:b}\n",
    "plan: {items: [1]}\nrun: {python: a}\n",
    "plan: {items: [[1]]}\nrun: {shell: x}\n",
    "plan: {items: [1]}\nrun: {command: []}\n",
    "plan: {items: [1]}\nrun: {command: [true]}\n",
    SMALL + "id: job\n",
    SMALL + "schedule: 5m\n",
    SMALL + "schedule: {every: 5 minutes}\n",
    SMALL + "schedule: {every: 5m, until: 6m}\n",
    SMALL + "schedule: {every: 5m, start: tomorrow}\n",
    SMALL + "tags: [5]\n",
    SMALL + "params: {a-b: {}}\n",
    SMALL + "params: {a: 5}\n",
    SMALL + "subtasks: {limit: 0}\n",
    SMALL + "subtasks: {tolerate: x}\n",
    SMALL + "subtasks: {batch: 0}\n",
    SMALL + "retries: {attempts: 101}\n",
    SMALL + "retries: {delay: 5 minutes}\n",
    SMALL + "retries: {never_on: [a b]}\n",
    SMALL + "timeouts: {soft: 1.5h}\n",
    SMALL + "steps: [{name: a, run: {shell: x}}]\n",
    "plan: {items: [1]}\nsteps: []\n",
    SMALL + "steps: []\n",
    "plan: {items: [1]}\nsteps: [{name: a, run: {shell: x}}]\nrun:\n",
    "plan: {items: [1]}\nrun:\n",
    "plan: {items: [1]}\nsteps: [{name: a-b, run: {shell: x}}]\n",
    "plan: {items: [1]}\nsteps: [{name: a}]\n",
    STAGED + "wait: some}]\n",
    STAGED + "timeouts: {run: 5}}]\n",
    STAGED + "subtasks: {key: a}}]\n",
]


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(json.dumps(job_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_jobs_are_good(path, validator):
    assert load_job(path).id == path.stem
    validator.validate(yaml.safe_load(path.read_text()))


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("text", GOOD)
def test_the_schema_allows_what_the_loader_allows(text, validator):
    values = yaml.safe_load(text)
    JobSpec.model_validate(values | {"id": "a"})
    validator.validate(values)


@pytest.mark.parametrize("text", BAD)
def test_the_schema_refuses_what_the_loader_refuses(text, validator, refused):
    refused(text)
    assert not validator.is_valid(yaml.safe_load(text))


def parts(value):
    """Every object with properties in the schema, by the name of its model."""
    if isinstance(value, list):
        return [one for inner in value for one in parts(inner)]
    if not isinstance(value, dict):
        return []
    own = [(value["title"], value)] if isinstance(value.get("properties"), dict) and "title" in value else []
    return own + [one for key, inner in value.items() if key not in {"examples", "default"} for one in parts(inner)]


SCHEMA = job_schema()
FIELDS = {
    f"{part}.{key}": (schema.get("required", []), field)
    for part, schema in parts(SCHEMA)
    for key, field in schema["properties"].items()
}


@pytest.mark.parametrize("name", FIELDS)
def test_every_key_has_a_description_a_default_and_an_example(name):
    required, field = FIELDS[name]
    description = field.get("description") or SCHEMA["$defs"][field["$ref"].rpartition("/")[2]]["description"]
    assert description[-1] == "."
    assert "``" not in description
    part = "$ref" in field or name == "Pod.resources"
    assert part or name.split(".")[1] in required or "efault" in description or "Exactly one of" in description
    assert field.get("examples") or "enum" in field or isinstance(field.get("default"), int | float)
    assert {"type": "null"} not in field.get("anyOf", [])
    for example in field.get("examples", []):
        schema = {"$defs": SCHEMA["$defs"], **field}
        assert jsonschema.Draft202012Validator(schema).is_valid(example), example


@pytest.mark.parametrize("key", [name.removeprefix("Job.") for name in FIELDS if name.startswith("Job.")])
def test_examples_of_a_key_of_the_job_are_what_the_loader_allows(key):
    small = {"id": "a", "plan": {"items": [{"url": 1}]}, **({} if key == "steps" else {"run": {"shell": "x"}})}
    for example in FIELDS[f"Job.{key}"][1].get("examples", []):
        assert JobSpec.model_validate(small | {key: example})


def test_the_file_for_editors_is_the_schema_of_the_models():
    """Otherwise: airflow mcp schema > docs/job.schema.json."""
    assert (ROOT / "docs" / "job.schema.json").read_text() == json.dumps(SCHEMA, indent=2) + "\n"


def test_defaults_are_as_an_author_writes_them():
    parts = job_schema()["$defs"]
    assert parts["Retries"]["properties"]["delay"]["default"] == "1m"
    assert parts["Subtasks"]["properties"]["tolerate"]["default"] == "0"


def test_every_field_is_described():
    schema = job_schema()
    parts = [schema, *schema["$defs"].values()]
    described = [
        bool(field.get("description") or field.get("$ref")) for part in parts for field in part["properties"].values()
    ]
    assert all(described)
    assert len(described) > 20
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Job"
