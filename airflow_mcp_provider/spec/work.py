"""The work of a job: a Python function, a command, a shell script, a container, another job; for a plan also items.

Built when a spec is read; the runtime runs it. The key of a form selects its model, so that an error is about this
form only.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
)

from airflow_mcp_provider.spec.durations import TimeLimit
from airflow_mcp_provider.spec.faults import Path, fault, shown
from airflow_mcp_provider.spec.job_id import JobId
from airflow_mcp_provider.spec.matrix import SCHEMA as MATRIX
from airflow_mcp_provider.spec.matrix import written_out
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.pod import Pod, Scalar, Variable
from airflow_mcp_provider.spec.template import EXPECTED as PLACEHOLDERS
from airflow_mcp_provider.spec.template import stray_brace
from airflow_mcp_provider.spec.unknown_keys import unknown_key
from airflow_mcp_provider.spec.values import Json, Listed, Text, frozen_json, storable

_DOTTED = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
FUNCTION = rf"^{_DOTTED}:{_DOTTED}$"


def check_function(path: str) -> str:
    """Return ``path`` if it has the form ``module.path:function``, else raise the error of ``faults.fault``."""
    if not re.fullmatch(FUNCTION, path):
        raise fault("invalid function", expected="module.path:function, for example my_pkg.crawl:visit")
    return path


def _argument(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(frozen_json(value))
    if not isinstance(value, str):
        raise fault("invalid argument", expected='a string or an integer (put other values in "quotes")')
    return value


def _template(text: str, at: Path = ()) -> str:
    if stray := stray_brace(storable(text, at)):
        raise fault(f'invalid brace "{stray}" in', expected=PLACEHOLDERS, at=at, value=text)
    return text


def _argument_text(text: str) -> str:
    return _template(text)  # one parameter only: pydantic would pass its own object as the second


def check_program(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``command`` if it names a program, else raise the error of ``faults.fault``."""
    if not command or not command[0].strip():
        raise fault("missing program in the command", given="", expected="[program, argument, …]")
    return command


def _script(text: str) -> str:
    if not text.strip():
        raise fault("blank shell script", expected="shell commands")
    return text


def _image(text: str) -> str:
    if not text.strip() or any(each.isspace() for each in text):
        raise fault("invalid image name", expected="for example python:3.13 or registry.example.com/team/tool:7")
    return _template(text)


def _own(env: dict[str, str]) -> dict[str, str]:
    if taken := [name for name in env if name.startswith("MCP_")]:
        raise fault(
            "reserved variable", given=taken[0], expected="a name that does not begin with MCP_", at=(taken[0],)
        )
    return env


def _item(value: object) -> Json:
    if value is None or isinstance(value, list | tuple):
        raise fault(
            "invalid payload", expected="a mapping, or a string, number or boolean x as short form of {item: x}"
        )
    return frozen_json(value, check=_template)


Argument = Annotated[
    str, AfterValidator(_argument_text), BeforeValidator(_argument), WithJsonSchema({"type": ["string", "integer"]})
]
_ITEM = {"type": ["object", "string", "number", "boolean"]}
Item = Annotated[Any, PlainValidator(_item)]
ItemList = Annotated[
    tuple[Item, ...],
    Listed,
    BeforeValidator(lambda value: written_out(value, _template)),
    WithJsonSchema({"anyOf": [{"type": "array", "items": _ITEM}, MATRIX]}),
]


class PythonWork(Part):
    """A Python function that the runner imports and calls."""

    python: Annotated[str, AfterValidator(check_function)] = Field(
        description="The function to call, as module.path:function; it may be async.",
        examples=["my_pkg.crawl:visit"],
        json_schema_extra={"pattern": FUNCTION},
    )


class CommandWork(Part):
    """A program with arguments, started without a shell."""

    command: Annotated[tuple[Argument, ...], AfterValidator(check_program), Listed] = Field(
        description="The program and its arguments; {name} is replaced by a value of the payload or of params.",
        examples=[["python", "visit.py", "{url}"]],
        json_schema_extra={"minItems": 1},
    )


class ShellWork(Part):
    """A shell script; it reads payload and params from environment variables, and has no placeholders."""

    shell: Annotated[Text, AfterValidator(_script)] = Field(
        description=(
            "A script for /bin/sh. $MCP_SUBTASK and $MCP_PARAMS contain JSON, $MCP_SUBTASK_<NAME> and "
            "$MCP_PARAM_<NAME> single values."
        ),
        examples=['curl -fsS "$MCP_SUBTASK_URL"'],
        json_schema_extra={"minLength": 1},
    )


class Container(Part):
    """A container: its image, command, arguments, environment variables and user."""

    image: Annotated[Text, AfterValidator(_image)] = Field(
        description="The image; {name} is replaced by a value of the payload or of params.",
        examples=["python:{version}-slim"],
        json_schema_extra={"minLength": 1},
    )
    command: Annotated[tuple[Argument, ...], AfterValidator(check_program), Listed] | None = Field(
        default=None, description="Replaces the image's ENTRYPOINT; placeholders as in image."
    )
    args: Annotated[tuple[Argument, ...], Listed] | None = Field(
        default=None, description="Replaces the image's CMD; placeholders as in image."
    )
    env: Annotated[dict[Variable, Scalar], AfterValidator(_own)] = Field(
        default_factory=dict,
        description="Environment variables, without placeholders. Do not put secrets here; use pod.secrets.",
    )
    user: Annotated[int, Field(ge=0, le=2_147_483_647)] | None = Field(
        default=None, description="The user id (runAsUser). Default: that of the image."
    )
    start: TimeLimit = Field(
        default=timedelta(minutes=10), description="The time limit for the start: to find a node and pull the image."
    )


class ContainerWork(Part):
    """A container: a separate pod with the KubernetesExecutor, otherwise a container of the local Docker engine."""

    container: Container = Field(
        description="The container to run.",
        examples=[{"image": "alpine:3", "command": ["sh", "-c", 'echo "$MCP_SUBTASK_URL"']}],
    )


class JobWork(Part):
    """A run of another job; the subtask waits for its end."""

    job: JobId = Field(
        description="The id of the job to run; the payload is the conf of its run, the result is that of its report.",
        examples=["crawl_site"],
    )


class Items(Part):
    """The payloads of the first subtasks, as a list in the spec."""

    items: ItemList = Field(
        description=(
            "The payloads of the first subtasks; a single value x is short for {item: x}. {matrix: {name: [value, …], "
            "…}} is short for the list of all combinations."
        ),
        examples=[["a", "b"], {"matrix": {"os": ["linux", "mac"], "python": ["3.12", "3.13"]}}],
    )


def one_image(pod: Pod | None, info: ValidationInfo) -> Pod | None:
    """Return ``pod``; raises the error of ``faults.fault`` when both it and the work have an image."""
    if pod and pod.image and isinstance(info.data.get("run"), ContainerWork):
        expected = "no image in pod, because run.container has one"
        raise fault("unsupported image", given=shown(pod.image), expected=expected, at=("image",))
    return pod


def _form(value: object) -> str:
    """Return the key that selects the form of a value that ``_one_of`` has accepted."""
    return str(next(iter(value if isinstance(value, dict) else type(value).model_fields)))  # type: ignore[attr-defined]


def _one_of(place: str, *forms: type[Part]) -> BeforeValidator:
    keys = [key for form in forms for key in form.model_fields]
    expected = f"exactly one of {', '.join(keys)}"

    def check(value: object) -> object:
        if isinstance(value, forms):
            return value
        if not isinstance(value, dict):
            raise fault("invalid value", expected=f"a mapping with {expected}")
        if unknown := [key for key in value if key not in keys]:
            raise fault(unknown_key(place, unknown[0], keys), given="", expected=expected, at=(str(unknown[0]),))
        if len(value) != 1:
            wrong = "conflicting keys" if value else "missing key"
            raise fault(wrong, given=" and ".join(value), expected=expected)
        return value

    return BeforeValidator(check)


_Python = Annotated[PythonWork, Tag("python")]
_Command = Annotated[CommandWork, Tag("command")]
_Shell = Annotated[ShellWork, Tag("shell")]
_Container = Annotated[ContainerWork, Tag("container")]
_Job = Annotated[JobWork, Tag("job")]
_Items = Annotated[Items, Tag("items")]

Work: TypeAlias = PythonWork | CommandWork | ShellWork
RunnerWork: TypeAlias = Work | ContainerWork
SubtaskWork: TypeAlias = RunnerWork | JobWork
Plan: TypeAlias = RunnerWork | Items

_HERE = (PythonWork, CommandWork, ShellWork)
_WORK = _Python | _Command | _Shell
PlanField = Annotated[_WORK | _Container | _Items, Discriminator(_form), _one_of("plan", *_HERE, ContainerWork, Items)]
RunField = Annotated[_WORK | _Container | _Job, Discriminator(_form), _one_of("run", *_HERE, ContainerWork, JobWork)]
ReportField = Annotated[_WORK, Discriminator(_form), _one_of("report", *_HERE)]
