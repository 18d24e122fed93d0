"""Write a job as YAML, or as the Python expression that builds it: the inverse of ``load`` and of the constructors.

Only values that differ from the defaults are written. What is a short form in YAML (a matrix, a value taken from
``_defaults.yaml``) is written out.
"""

import math
from collections.abc import Iterable
from typing import Any

import yaml

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.job import JobSpec
from airflow_mcp_provider.spec.load import parse_job
from airflow_mcp_provider.spec.model import Part

WIDTH = 100
"""Characters of a line of Python."""
_INDENT = "    "


def to_values(part: Part) -> dict[str, Any]:
    """Return the fields of a part that differ from their defaults, as the JSON values of a spec file."""
    return {name: _plain(value, dumped) for name, value, dumped in _given(part)}


def to_yaml(spec: JobSpec) -> str:
    """Return the text of the file ``<id>.yaml``, from which ``load_job`` makes an equal spec.

    Raises SpecError for a spec that is too large for a file.
    """
    values = {name: value for name, value in to_values(spec).items() if name != "id"}
    text = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=math.inf)
    text = "\n".join("on:" + line[5:] if line.startswith("'on':") else line for line in text.split("\n"))
    if parse_job(text, id=spec.id) != spec:
        raise SpecError(f"the job {spec.id} cannot be written as YAML: what is read again differs")
    return text


def to_python(spec: JobSpec) -> str:
    """Return the Python expression of a spec, with the classes that ``airflow_mcp_provider.spec`` exports."""
    return _expression(spec, 0)


def _given(part: Part) -> Iterable[tuple[str, Any, Any]]:
    """Yield name, value and JSON value of each field that differs from its default."""
    dumped = part.model_dump(mode="json")
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if field.is_required() or value != field.get_default(call_default_factory=True, validated_data=vars(part)):
            yield name, value, dumped[name]


def _plain(value: object, dumped: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Part):
        return to_values(value)
    if isinstance(value, tuple) and value and isinstance(value[0], Part):
        return [to_values(one) for one in value]
    return dumped


def _expression(part: Part, depth: int) -> str:
    arguments = [f"{name}={_argument(value, dumped, depth + 1)}" for name, value, dumped in _given(part)]
    return _wrapped(f"{type(part).__name__}(", arguments, ")", depth)


def _argument(value: object, dumped: object, depth: int) -> str:
    if isinstance(value, Part):
        return _expression(value, depth)
    if isinstance(value, tuple) and value and isinstance(value[0], Part):
        return _wrapped("[", [_expression(one, depth + 1) for one in value], "]", depth)
    return _literal(dumped, depth)


def _literal(value: object, depth: int) -> str:
    if isinstance(value, dict):
        return _wrapped("{", [f"{key!r}: {_literal(one, depth + 1)}" for key, one in value.items()], "}", depth)
    if isinstance(value, list):
        return _wrapped("[", [_literal(one, depth + 1) for one in value], "]", depth)
    if isinstance(value, str) and "\n" in value[:-1]:
        indent = "\n" + _INDENT * (depth + 1)
        return f"({indent}{indent.join(map(repr, value.splitlines(keepends=True)))}\n{_INDENT * depth})"
    return repr(value)


def _wrapped(opening: str, parts: list[str], closing: str, depth: int) -> str:
    line = f"{opening}{', '.join(parts)}{closing}"
    if "\n" not in line and len(line) + len(_INDENT) * depth <= WIDTH:
        return line
    indent = "\n" + _INDENT * (depth + 1)
    return f"{opening}{''.join(f'{indent}{part},' for part in parts)}\n{_INDENT * depth}{closing}"


class _Dumper(yaml.SafeDumper):
    """Writes each value where it is, without anchors, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    """Return the style that keeps each character: other line breaks than a newline need escapes."""
    if not all(line.isprintable() for line in text.replace("\t", " ").split("\n")):
        return '"'
    return "|" if "\n" in text[:-1] else None


_Dumper.add_representer(str, _text)
