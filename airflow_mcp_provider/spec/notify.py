"""``on``: the notifiers of Airflow that are called when a run fails, succeeds, succeeds partly, or is late.

Built when a spec with notifications is read.
"""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from airflow_mcp_provider.spec.durations import TimeLimit
from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.values import FrozenDict, frozen_json
from airflow_mcp_provider.spec.work import FUNCTION, check_function


def _arguments(value: object) -> FrozenDict:
    if not isinstance(value, dict):
        raise fault("invalid value", expected="a mapping of the notifier's arguments")
    return FrozenDict(frozen_json(value))  # type: ignore[arg-type]  # a mapping stays one


def _several(value: object) -> tuple[object, ...]:
    if isinstance(value, list | tuple):
        return tuple(value)
    return (value,)


class Notify(Part):
    """One notifier: a class of Airflow or of a provider, and its arguments."""

    notifier: Annotated[str, AfterValidator(check_function)] = Field(
        description="The class of the notifier, as module.path:Class.",
        examples=["airflow.providers.slack.notifications.slack:SlackNotifier"],
        json_schema_extra={"pattern": FUNCTION},
    )
    args: Annotated[dict[str, Any], PlainValidator(_arguments), WithJsonSchema({"type": "object"})] = Field(
        default_factory=FrozenDict, description="The arguments of the notifier. Do not put secrets here."
    )


class NotifyLate(Notify):
    """A notifier for a run that is not finished some time after it was due."""

    after: TimeLimit = Field(description="The time after which the run is late.", examples=["1h"])


class _OneOrMore:
    """Accepts one value instead of a list, in the JSON Schema too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.no_info_before_validator_function(_several, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        several = handler(schema)
        return {"anyOf": [several["items"], {**several, "minItems": 1}]}


Notifiers = Annotated[tuple[Notify, ...], _OneOrMore()]


class On(Part):
    """The notifiers of a job, by what happened to its run."""

    failure: Notifiers = Field(default=(), description="Called when a run fails: one notifier, or a list.")
    success: Notifiers = Field(default=(), description="Called when a run succeeds: one notifier, or a list.")
    partial: Notifiers = Field(
        default=(), description="Called when a run succeeds although some of its subtasks failed for good."
    )
    late: Annotated[tuple[NotifyLate, ...], _OneOrMore()] = Field(
        default=(), description="Called when a run is not finished in time: one notifier with after, or a list."
    )
