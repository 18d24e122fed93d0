"""The JSON Schema of a spec file, generated from the models, for editors and for programs that write specs.

Runs for ``airflow mcp schema`` and in the tests of the documentation.
"""

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.spec.job import JobSpec
from airflow_mcp_provider.spec.step import MOST_STEPS
from airflow_mcp_provider.spec.tolerate import Tolerate

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _HumanDefaults(GenerateJsonSchema):
    """Writes defaults as they are written in a spec: ``60s`` for a timedelta."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - any default
        if isinstance(dft, timedelta):
            return human(dft)
        return str(dft) if isinstance(dft, Tolerate) else super().encode_default(dft)


def job_schema() -> dict[str, Any]:
    """Return the JSON Schema of a job's YAML file; it has no ``id``, because the file name is the id."""
    from airflow_mcp_provider.spec.schema_texts import for_editors  # noqa: PLC0415 - a runner needs no JSON Schema

    schema = JobSpec.model_json_schema(mode="validation", schema_generator=_HumanDefaults)
    schema = for_editors(schema)
    properties = {name: rule for name, rule in schema.pop("properties").items() if name != "id"}
    required = [name for name in schema.pop("required") if name != "id"]
    # In a file only one of the two keys is allowed.
    properties["steps"] |= {"minItems": 1, "maxItems": MOST_STEPS}
    del properties["steps"]["default"]
    either = {"oneOf": [{"required": ["run"]}, {"required": ["steps"]}]}
    return {"$schema": DIALECT, **schema, "title": "Job", "properties": properties, "required": required, **either}
