"""The base class of a spec's parts: strict, frozen models that raise ``SpecError`` for wrong values.

Runs wherever a spec is built, from YAML or in Python, so that both raise the same errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from airflow_mcp_provider.spec.faults import fault


class Part(BaseModel):
    """A frozen pydantic model; unknown fields are errors. Its constructor raises SpecError."""

    # Validators are built at first use: a server or a scheduler, which only imports the spec, does not need them.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)

    def __init__(self, /, **fields: Any) -> None:
        with _spec_errors(type(self)):
            super().__init__(**fields)

    # Pydantic then validates nested parts without this __init__, and collects all their errors.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:  # noqa: ANN401 - validated below
        """Return the model of a mapping such as that of ``model_dump``; raises SpecError when it is not valid."""
        with _spec_errors(cls):
            return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return the model of JSON such as that of ``model_dump_json``; raises SpecError when it is not valid."""
        with _spec_errors(cls):
            return super().model_validate_json(json_data, **options)


@dataclass(frozen=True)
class Rare:
    """Marks an optional field that few specs set; the validator of ``part`` is built when a spec sets it."""

    part: type[Part]

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        """Validate with ``part``; pydantic adds the path of the field to its errors."""
        return core_schema.no_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON Schema of the part."""
        self.part.model_rebuild(force=True)
        return {"anyOf": [handler(self.part.__pydantic_core_schema__), {"type": "null"}]}

    def _validated(self, value: object) -> Part | None:
        if value is None:
            return None
        if not isinstance(value, self.part | dict):
            raise fault("invalid value", expected="a mapping")
        self.part.model_rebuild()
        return self.part.__pydantic_validator__.validate_python(value)  # type: ignore[no-any-return]  # a Part


@contextmanager
def _spec_errors(model: type[Part]) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        from airflow_mcp_provider.spec.problems import spec_error  # noqa: PLC0415 - difflib only when needed

        raise spec_error(error, model) from None
