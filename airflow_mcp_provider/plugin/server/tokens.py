"""Check the token of a runner's request, as the Execution API does.

Any other request is passed to Airflow, which rejects it with its own message, or renews its token.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from airflow_mcp_provider.plugin.server.airflow_internals import JWTValidator, claims, validator
from airflow_mcp_provider.plugin.server.asgi import header

RENEWED, RENEWED_S = 0.2, 30
"""Airflow renews a token in a response when this part of its lifetime, or this number of seconds, is left."""


class Tokens:
    """Checks the tokens of runners."""

    @cached_property
    def _validator(self) -> JWTValidator:
        return validator()

    async def are_of(self, instance: UUID, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Return whether the request is of the runner of that task instance, with a token that needs no renewal."""
        scheme, _, token = (header(headers, b"authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return False
        try:
            found = await self._validator.avalidated_claims(token, {})
            return claims(found).scope == "execution" and UUID(found["sub"]) == instance and not _is_old(found)
        except Exception:  # noqa: BLE001 - Airflow reports any error of the token
            return False


def _is_old(found: dict[str, Any]) -> bool:
    begun, ends = int(found["iat"]), int(found["exp"])
    return ends - int(time.time()) <= max(int((ends - begun) * RENEWED), RENEWED_S)
