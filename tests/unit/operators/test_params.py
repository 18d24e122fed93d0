import logging
from types import SimpleNamespace

from airflow_mcp_provider.operators.params import declared


def test_only_declared_params_pass_and_the_names_of_others_are_told(caplog):
    context = {"dag": SimpleNamespace(params={"a": 1}), "params": {"a": 2, "verify": "a secret"}}
    with caplog.at_level(logging.WARNING):
        assert declared(context) == {"a": 2}
    assert "verify" in caplog.text
    assert "a secret" not in caplog.text
