"""Parse Kubernetes quantities: ``512Mi``, ``1.5``, ``500m``.

Runners use this module because they do not load the Kubernetes client, which has a parser, too.
"""

from __future__ import annotations

import re
from decimal import Decimal

_DECIMAL = {unit: Decimal(1000) ** power for power, unit in enumerate(("n", "u", "m", "", "k", *"MGTPE"), -3)}
_BINARY = {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)}
_UNITS = {**_DECIMAL, **_BINARY}
_SHAPE = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]{{1,2}})|({'|'.join(_UNITS)}))")


def number(quantity: str) -> Decimal:
    """Return the value of a quantity; raises ValueError for an invalid one.

    Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    found = _SHAPE.fullmatch(quantity)
    if found is None:
        raise ValueError(f"invalid quantity {quantity!r}; expected for example 512Mi, 1.5 or 500m")
    exponent = Decimal(10) ** int(found[2]) if found[2] else _UNITS[found[3]]
    return Decimal(found[1]) * exponent


def grown(quantity: str, factor: float, most: str, times: int) -> str:
    """Return ``quantity`` multiplied ``times`` times by ``factor``, at most ``most``, never less than before."""
    before = number(quantity)
    return str(int(max(before, min(before * Decimal(str(factor)) ** times, number(most)))))
