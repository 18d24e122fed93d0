"""The base of a spec's parts: strict, frozen, and wrong values told as ``SpecError``.

Runs wherever a spec is built, from YAML or in Python. It exists so that both ways give the same clear
errors.
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
    """A frozen value with named fields; unknown names are errors."""

    # Validators are built at first use: who only imports the spec (a server, a scheduler) does not pay for them.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)

    def __init__(self, /, **fields: Any) -> None:
        with _spec_errors(type(self)):
            super().__init__(**fields)

    # Pydantic then validates parts within parts without this __init__, and collects all their errors.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:  # noqa: ANN401 - validated below
        """Build from a mapping, such as ``model_dump`` gives."""
        with _spec_errors(cls):
            return super().model_validate(obj, **options)


@dataclass(frozen=True)
class Rare:
    """Marks an optional field whose ``part`` few specs have: its validator is built when there is work for it."""

    part: type[Part]

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        """Validate by ``part``, whose errors pydantic takes over with their places."""
        return core_schema.no_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Tell the part's schema."""
        self.part.model_rebuild(force=True)
        return {"anyOf": [handler(self.part.__pydantic_core_schema__), {"type": "null"}]}

    def _validated(self, value: object) -> Part | None:
        if value is None:
            return None
        if not isinstance(value, self.part | dict):
            raise fault("must be a mapping", allowed="a mapping")
        self.part.model_rebuild()
        return self.part.__pydantic_validator__.validate_python(value)  # type: ignore[no-any-return]  # what it builds


@contextmanager
def _spec_errors(model: type[Part]) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        from airflow_mcp_provider.spec.problems import spec_error  # noqa: PLC0415 - difflib only when needed

        raise spec_error(error, model) from None
