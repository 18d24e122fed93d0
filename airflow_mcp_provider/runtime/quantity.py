"""Quantities of Kubernetes as numbers: ``512Mi``, ``1.5``, ``500m``.

Runs in a runner, too, which does not load Kubernetes' own reader of them.
"""

from __future__ import annotations

import re
from decimal import Decimal

_DECIMAL = {unit: Decimal(1000) ** power for power, unit in enumerate(("n", "u", "m", "", "k", *"MGTPE"), -3)}
_BINARY = {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)}
_UNITS = {**_DECIMAL, **_BINARY}
_SHAPE = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]{{1,2}})|({'|'.join(_UNITS)}))")


def number(quantity: str) -> Decimal:
    """Return its value; raises ValueError for what is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ has the grammar.
    """
    found = _SHAPE.fullmatch(quantity)
    if found is None:
        raise ValueError(f"invalid quantity {quantity!r}; expected for example 512Mi, 1.5 or 500m")
    exponent = Decimal(10) ** int(found[2]) if found[2] else _UNITS[found[3]]
    return Decimal(found[1]) * exponent


def grown(quantity: str, factor: float, most: str, times: int) -> str:
    """Return ``quantity``, multiplied ``times`` by ``factor`` up to ``most``, in whole units; never less."""
    before = number(quantity)
    return str(int(max(before, min(before * Decimal(str(factor)) ** times, number(most)))))
