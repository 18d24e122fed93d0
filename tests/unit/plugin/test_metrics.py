"""The page and the dashboard have the metrics that are sent, with their tags, and no others."""

import json
import re
from pathlib import Path

import pytest

from airflow_mcp_provider.plugin.metrics import METRICS

DOCS = Path(__file__).parents[3] / "docs"
PANELS = json.loads((DOCS / "grafana.json").read_text())["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
OF_PROMETHEUS = {f"airflow_{metric.name.replace('.', '_')}": metric for metric in METRICS}
"""As Prometheus names them, without the suffixes that it adds for OpenTelemetry."""


def names(query: str) -> set[str]:
    return {re.sub(r"(_total|_milliseconds)$", "", name) for name in re.findall(r"\bairflow_mcp_[a-z_]+[a-z]", query)}


def test_the_page_has_them_all():
    rows = re.findall(
        r"^\| `(mcp\.[a-z_.]+)` \| (\w+) \| ([^|]*)\| ([^|]+) \|$", (DOCS / "metrics.md").read_text(), re.MULTILINE
    )
    shown = [(name, kind, tuple(re.findall(r"`(\w+)`", tags)), meaning) for name, kind, tags, meaning in rows]
    assert shown == [(one.name, one.kind, one.tags, one.meaning) for one in METRICS]


def test_the_dashboard_has_them_all():
    assert set().union(*map(names, QUERIES)) == OF_PROMETHEUS.keys()
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize("query", QUERIES)
def test_a_panel_groups_and_selects_by_tags_of_its_metric(query):
    (metric,) = {OF_PROMETHEUS[name] for name in names(query)}
    grouped = {tag.strip() for tags in re.findall(r"by \(([^)]*)\)", query) for tag in tags.split(",")}
    selected = set(re.findall(r"(\w+)=~?\"", query)) - {"quantile", "__name__"}
    assert grouped | selected <= set(metric.tags)


def test_a_metric_has_the_label_of_no_target():
    assert {tag for metric in METRICS for tag in metric.tags} & {"job", "instance", "le", "quantile"} == set()
