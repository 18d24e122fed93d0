"""Make the generated JSON Schema useful in an editor: descriptions with defaults, examples, readable errors.

Runs for ``airflow mcp schema``. yaml-language-server shows a key's description, but not its default, and offers each
alternative as a completion: so ``null``, which no author writes, is left out.
"""

from typing import Any

from airflow_mcp_provider.spec import durations
from airflow_mcp_provider.spec.schema_examples import EXAMPLES
from airflow_mcp_provider.spec.work import FUNCTION

Schema = dict[str, Any]
_INHERITED = {
    "Step": "that of the job",
    "StepSubtasks": "that of the job's subtasks",
}
"""What the keys of a part are by default that it leaves out."""
_EITHER = {("JobSpec", "run"), ("JobSpec", "steps")}
_MESSAGES = {
    durations.PATTERN: f"expected {durations.EXPECTED}",
    FUNCTION: "expected module.path:function, for example my_pkg.crawl:visit",
}
"""What an editor shows in place of a regular expression; ``patternErrorMessage`` is a key of yaml-language-server."""


def for_editors(schema: Schema) -> Schema:
    """Return a JSON Schema that was generated of the models, with the changes for all its parts."""
    changed: Schema = _walked(schema)
    return changed


def _walked(value: Any) -> Any:  # noqa: ANN401 - any part of a JSON Schema
    if isinstance(value, list):
        return [_walked(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _walked(one) for key, one in value.items() if key not in {"examples", "default", "enum"}}
    kept = {key: value[key] for key in ("examples", "default", "enum") if key in value}
    return _part(found | kept)


def _part(value: Schema) -> Schema:
    if isinstance(value.get("pattern"), str) and value["pattern"] in _MESSAGES:
        value["patternErrorMessage"] = _MESSAGES[value["pattern"]]
    if isinstance(value.get("description"), str):
        value["description"] = value["description"].replace("``", "")
    name, fields = value.get("title"), value.get("properties")
    if isinstance(name, str) and isinstance(fields, dict):
        required = value.get("required", [])
        value["properties"] = {key: _field(name, key, field, required=key in required) for key, field in fields.items()}
    return value


def _field(part: str, key: str, field: Schema, *, required: bool) -> Schema:
    found = _without_null(field)
    if examples := EXAMPLES.get(part, {}).get(key):
        found["examples"] = examples
    default = found.pop("default", None)
    if default is not None and not isinstance(default, dict):
        found["default"] = default
    text = found.get("description", "")
    if (part, key) in _EITHER:
        found["description"] = f"{text} Exactly one of run and steps is required."
    elif not required and text and "efault" not in text and not isinstance(default, dict):
        found["description"] = f"{text} Default: {_default(part, default)}."
    return found


def _default(part: str, default: object) -> str:
    if part in _INHERITED:
        return _INHERITED[part]
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if default or isinstance(default, int) else "none"


def _without_null(field: Schema) -> Schema:
    """Return the field without the alternative ``null``; the only other one becomes the field itself."""
    if "anyOf" not in field:
        return dict(field)
    others = [one for one in field["anyOf"] if one != {"type": "null"}]
    if len(others) > 1:
        return {**field, "anyOf": others}
    return {**others[0], **{key: one for key, one in field.items() if key != "anyOf"}}
