import pytest
from kubernetes.utils.quantity import parse_quantity

from airflow_mcp_provider.runtime.quantity import number


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "0.5",
        "500m",
        "1k",
        "512Mi",
        "1.5Gi",
        "2G",
        "3Ti",
        "1P",
        "2Ei",
        "7E",
        "10Ki",
        "4M",
        "1T",
        "1e3",
        "2E3",
        "1.5e-1",
        "7n",
        "3u",
        ".5",
        "1.",
    ],
)
def test_as_kubernetes_reads_them(text):
    assert number(text) == parse_quantity(text)


@pytest.mark.parametrize("text", ["", "x", "1 Mi", "-1", "1Mb", "1K", ".", "e3", "1e"])
def test_what_is_none(text):
    with pytest.raises(ValueError, match="invalid quantity"):
        number(text)
