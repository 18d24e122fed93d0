"""A runner's requests, sent by a test in its name: the token is made as Airflow's executor makes it."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
from airflow.sdk.api.client import API_VERSION

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import patient

AUDIENCE = "urn:airflow.apache.org:task"


@dataclass
class Sender:
    """Sends as the runner of the task instance ``id``."""

    airflow: Embedded
    id: str
    hostname: str = ""
    pid: int = 0
    calls: int = 0
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        whole = {"sub": self.id, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 600, "scope": "execution"}
        secret = self.airflow.environment()["AIRFLOW__API_AUTH__JWT_SECRET"]
        kept = {name: value for name, value in {**whole, **claims}.items() if value is not None}
        return jwt.encode(kept, secret, algorithm="HS512")

    def send(self, method: str, path: str, body: Any = None, token: str | None = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.token()}", "airflow-api-version": API_VERSION}
        return httpx.request(
            method, f"{self.airflow.url}/execution/{path}", json=body, headers=headers, timeout=patient(30)
        )

    def get(self, key: str, **more: Any) -> httpx.Response:
        return self.send("GET", f"store/ti/{self.id}/{key}", **more)

    def put(self, key: str, value: Any, **more: Any) -> httpx.Response:
        return self.send("PUT", f"store/ti/{self.id}/{key}", {"value": value}, **more)

    def ask(self, question: str, body: dict[str, Any]) -> Any:
        self.calls += 1
        call = f"{self.name}.{self.calls}"
        assert self.put(question, {**body, "call": call}).status_code == 204
        return self.get(f"mcp.answer.{call}").json()["value"]

    def beat(self, **more: Any) -> httpx.Response:
        body = {"hostname": self.hostname, "pid": self.pid, **more}
        return self.send("PUT", f"task-instances/{self.id}/heartbeat", body)
