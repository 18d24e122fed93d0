"""What a runner knows of secrets before its work begins, and hears while it runs."""

from __future__ import annotations

import json

import pytest
from airflow.sdk._shared.secrets_masker import _secrets_masker
from airflow.sdk.execution_time.comms import MaskSecret, _RequestFrame

from airflow_mcp_provider.operators import secrets
from airflow_mcp_provider.runtime.redaction import text


@pytest.fixture(autouse=True)
def masker(monkeypatch):
    """An environment, and a masker, of the test's own."""
    monkeypatch.setattr(secrets, "_REGISTERED", set())
    monkeypatch.setattr(secrets.os, "environ", {})
    one = _secrets_masker()
    kept = set(one.patterns), one.replacer
    one.reset_masker()
    yield one
    one.patterns, one.replacer = kept


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("CRAWLER_TOKEN", "hunter22222\n", "hunter22222"),
        ("PGPASSWORD", "hunter22222", "hunter22222"),
        ("DATABASE_URL", "postgres://me:hunter%4022@db/x", "hunter@22"),
        ("AIRFLOW_CONN_STORE", "http://me:hunter22222@db/x", "hunter22222"),
        ("AIRFLOW_CONN_STORE", "http://db/?api_key=hunter22222", "hunter22222"),
        ("AIRFLOW_CONN_STORE", '{"conn_type": "http", "password": "hunter22222"}', "hunter22222"),
        ("AIRFLOW_CONN_STORE", json.dumps({"extra": json.dumps({"token": "hunter22222"})}), "hunter22222"),
        ("AIRFLOW_VAR_STORE_PASSWORD", "hunter22222", "hunter22222"),
        ("AIRFLOW__CORE__FERNET_KEY", "hunter22222", "hunter22222"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://me:hunter22222@db/x", "hunter22222"),
        ("PRIVATE_KEY", "-----BEGIN KEY-----\nhunter22222aaa=\n-----END KEY-----\n", "hunter22222aaa="),
    ],
)
def test_a_secret_of_the_environment(name, value, secret):
    secrets.os.environ[name] = value
    secrets.register(())
    assert text(f"x {secret} y") == "x *** y"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOME", "/home/hunter"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("no_proxy", "localhost"),
        ("AIRFLOW__SECRETS__USE_CACHE", "False"),
        ("AIRFLOW__SECRETS__BACKEND", "a.module.of.theirs"),
        ("SOME_TOKEN_FILE", __file__),
        ("INDEX", "https://me@pypi.example/simple"),
        ("BROKEN", "http://[x"),
    ],
)
def test_no_secret_of_the_environment(name, value):
    secrets.os.environ[name] = value
    secrets.register(())
    assert text(f"x {value} y") == f"x {value} y"


def test_secrets_of_the_jobs_pod(tmp_path):
    """Variables that the spec names, and files as Kubernetes mounts them: links into a folder that is a link."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "key").write_bytes(b"hunter33333\n")
    (tmp_path / "key").symlink_to(tmp_path / "..data" / "key")
    (tmp_path / "binary").write_bytes(b"\x00\xff" * 9)
    secrets.os.environ["WHATEVER"] = "hunter22222"
    secrets.register(["WHATEVER", "NOT_THERE", str(tmp_path), "/not/there"])
    assert text("hunter22222 hunter33333") == "*** ***"


def test_a_secret_that_the_work_makes_known_is_heard():
    for number, (value, name) in enumerate(
        [
            ("hunter22222", None),
            ('{"api_key": "hunter33333", "region": "north-west"}', None),
            (["hunter44444"], None),
            ("hunter55555", "password"),
            ("no-secret", "colour"),
        ]
    ):
        secrets.register_from(_RequestFrame(id=number, body=MaskSecret(value=value, name=name).model_dump()).as_bytes())
    assert text("hunter22222 hunter33333 hunter44444 hunter55555") == "*** *** *** ***"
    assert text("no-secret north-west") == "no-secret north-west"


@pytest.mark.parametrize("frame", [b"", b"\0\0\0\1x", b"\0\0\0\x0aMaskSecret", b"\0\0\0\1\x93\1MaskSecret"])
def test_what_cannot_be_read_is_passed_over(frame):
    secrets.register_from(frame)
