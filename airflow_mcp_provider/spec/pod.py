"""The spec of a task's pod: short keys for common settings, fields of the Kubernetes API for the others.

Built when a spec is read; it does not import ``kubernetes``. ``factory.pod`` makes a ``V1Pod`` from it and checks the
free-form parts with the models of the Kubernetes client. It has no effect on tasks that run without a pod.
"""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.pod_names import free, free_override
from airflow_mcp_provider.spec.values import FrozenDict, Listed, Text, frozen_json, storable

QUANTITY = r"^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$"
FACTOR = r"^x[0-9]{1,3}(\.[0-9]{1,3})?$"
NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_.-]{0,252}$"
PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def _matching(pattern: str, wrong: str, expected: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise fault(wrong, expected=expected)
        return text

    return AfterValidator(check)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise fault("invalid value", expected="a string, a number, true or false")
    return storable(str(value))


def _mapping(value: object) -> FrozenDict:
    if not isinstance(value, dict):
        raise fault("invalid value", expected="a mapping with fields of the Kubernetes API (camelCase)")
    frozen: FrozenDict = frozen_json(value)  # type: ignore[assignment]  # a mapping stays one
    return frozen


def _policy(text: str) -> str:
    if text not in PULL_POLICIES:
        raise fault("unsupported pull policy", expected=f"one of {', '.join(PULL_POLICIES)}")
    return text


Quantity = Annotated[
    str,
    _matching(QUANTITY, "invalid quantity", "for example 500m, 1.5, 512Mi, 2Gi"),
    BeforeValidator(_as_text),
    WithJsonSchema({"type": ["string", "number"], "pattern": QUANTITY}),
]
Name = Annotated[
    Text, _matching(NAME, "invalid Kubernetes name", "at most 253 lower case letters, digits, - and . (RFC 1123)")
]
Variable = Annotated[
    str, _matching(VARIABLE, "invalid variable name", "letters, digits, _, - and ., the first a letter or _")
]
Scalar = Annotated[str, PlainValidator(_plain), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Raw = Annotated[dict[str, Any], PlainValidator(_mapping), WithJsonSchema({"type": "object"})]
Names = Annotated[dict[Text, Scalar], AfterValidator(free)]
MountPath = Annotated[Text, _matching(r"^/[^:]*$", "invalid mount path", "an absolute path without a colon")]


class Resources(Part):
    """The resource requests and limits of a subtask's container."""

    requests: dict[Name, Quantity] = Field(
        default_factory=dict, description="Resource requests; Kubernetes chooses a node that has them free."
    )
    limits: dict[Name, Quantity] = Field(
        default_factory=dict, description="Resource limits; a container that exceeds its memory limit is OOM-killed."
    )


class Secret(Part):
    """A Kubernetes Secret: as one variable, as files, or (only ``name`` set) all its keys as variables."""

    name: Name = Field(description="The name of the Secret, in the namespace of the pods.")
    key: Variable | None = Field(default=None, description="The key of the Secret to use. Default: all keys.")
    env: Variable | None = Field(default=None, description="The environment variable for the value of key.")
    path: MountPath | None = Field(default=None, description="The mount path of a directory with one file per key.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.env and self.path:
            raise fault("conflicting keys", given="env and path", expected="one of them, or two entries")
        if bool(self.env) != bool(self.key) and not self.path:
            raise fault("missing key or env", given="", expected="both, or neither to get all keys as variables")
        return self


class Volume(Part):
    """A volume that is mounted at ``path``, with exactly one source."""

    path: MountPath = Field(description="The mount path in the container.")
    claim: Name | None = Field(default=None, description="The name of a PersistentVolumeClaim.")
    config_map: Name | None = Field(default=None, description="The name of a ConfigMap, mounted with one file per key.")
    empty: Quantity | None = Field(default=None, description="The size limit of an emptyDir volume.")
    host_path: MountPath | None = Field(
        default=None, description="A path of the node (hostPath). It requires [mcp] pod_override = any."
    )
    sub_path: Text | None = Field(default=None, description="The path inside the volume to mount (subPath).")
    read_only: bool = Field(default=False, description="Whether the volume is mounted read-only.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = ("claim", "config_map", "empty", "host_path")
        if (given := [name for name in sources if getattr(self, name) is not None]) and len(given) == 1:
            return self
        raise fault(
            "invalid source of a volume:", given=", ".join(given) or "none", expected=f"one of {', '.join(sources)}"
        )


class OnOom(Part):
    """The memory of a subtask's next attempt after an OOM kill."""

    memory: Annotated[str, _matching(FACTOR, "invalid factor", "x and a number, for example x2 or x1.5")] = Field(
        description="The factor for the memory limit and request after each OOM kill.",
        examples=["x2"],
        json_schema_extra={"pattern": FACTOR},
    )
    max: Quantity = Field(description="The maximum memory.", examples=["8Gi"])

    @model_validator(mode="after")
    def _more(self) -> Self:
        if self.factor <= 1:
            raise fault("factor too small:", given=self.memory, expected="more than x1", at=("memory",))
        return self

    @property
    def factor(self) -> float:
        """The number after the x."""
        return float(self.memory[1:])


class Pod(Part):
    """The pods of a job's tasks, merged over the installation's pod template."""

    image: Text | None = Field(default=None, description="The container image. Default: that of the pod template.")
    pull_policy: Annotated[str, AfterValidator(_policy)] | None = Field(
        default=None,
        description="The imagePullPolicy: Always, IfNotPresent or Never.",
        json_schema_extra={"enum": list(PULL_POLICIES)},
    )
    pull_secrets: Annotated[tuple[Name, ...], Listed] = Field(
        default=(), description="The names of imagePullSecrets for a private registry."
    )
    resources: Resources = Field(
        default=Resources.model_construct(), description="Requests and limits of CPU, memory and other resources."
    )
    ephemeral_storage: Quantity | None = Field(
        default=None, description="Request and limit of the ephemeral storage on the node's disk."
    )
    env: dict[Variable, Scalar] = Field(
        default_factory=dict, description="Environment variables. Do not put secrets here; use the key secrets."
    )
    secrets: Annotated[tuple[Secret, ...], Listed] = Field(
        default=(), description="Secrets as environment variables or files."
    )
    volumes: Annotated[tuple[Volume, ...], Listed] = Field(default=(), description="Volumes and their mount paths.")
    service_account: Name | None = Field(default=None, description="The name of the pod's service account.")
    service_account_token: bool = Field(
        default=False, description="Whether the token of the service account is mounted in the pod."
    )
    node_selector: dict[Text, Scalar] = Field(
        default_factory=dict, description="Labels that the node must have (nodeSelector)."
    )
    tolerations: Annotated[tuple[Raw, ...], Listed] = Field(
        default=(), description="Tolerations, with the fields of the Kubernetes API."
    )
    affinity: Raw | None = Field(default=None, description="The affinity, with the fields of the Kubernetes API.")
    priority_class: Name | None = Field(default=None, description="The name of a PriorityClass.")
    labels: Names = Field(
        default_factory=dict, description="Labels of the pod, except those that Airflow or this package sets."
    )
    annotations: Names = Field(
        default_factory=dict, description="Annotations of the pod, except those that Airflow or this package sets."
    )
    security_context: Raw | None = Field(
        default=None,
        description=(
            "The securityContext of the container, with the fields of the Kubernetes API; fsGroup, "
            "fsGroupChangePolicy, supplementalGroups, supplementalGroupsPolicy and sysctls are set on the pod."
        ),
    )
    on_oom: OnOom | None = Field(default=None, description="More memory for the next attempt after an OOM kill.")
    override: Annotated[Raw, AfterValidator(free_override)] | None = Field(
        default=None,
        description="metadata and spec of a Pod with the fields of the Kubernetes API, merged over the other keys.",
    )
