"""Quantities of Kubernetes as numbers: ``512Mi``, ``1.5``, ``500m``.

Runs in a runner, which does not load Kubernetes' own reader of them.
"""

from __future__ import annotations

import re
from decimal import Decimal

_SHAPE = re.compile(r"([0-9.]+)(m|k|[KMGTPE]i?)?")
_DECIMAL = {"m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9)}
_DECIMAL |= {"T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18)}
_BINARY = {f"{unit}i": Decimal(1024 ** (power + 1)) for power, unit in enumerate("KMGTPE")}
_UNITS = {**_DECIMAL, **_BINARY}


def number(quantity: str) -> Decimal:
    """Return its value; raises ValueError for what is none."""
    found = _SHAPE.fullmatch(quantity)
    if found is None:
        raise ValueError(f"{quantity!r} is no quantity")
    return Decimal(found[1]) * (_UNITS[found[2]] if found[2] else 1)
