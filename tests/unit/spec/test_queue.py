"""``queue`` of a spec: its values as people write them, what is refused, and the rules that the marker carries."""

from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.keep import Keep
from airflow_mcp_provider.spec.queue import Queue
from airflow_mcp_provider.spec.rate import Rate
from airflow_mcp_provider.spec.submit_rules import SubmitRules

JOB = "params: {{url: {{type: string}}}}\nplan: {{items: [1]}}\nrun: {{shell: x}}\nqueue: {queue}\n"


@pytest.mark.parametrize(
    ("text", "rate", "period"),
    [
        ("10/min", Rate(10, "min"), timedelta(minutes=1)),
        ("3/h per submitter", Rate(3, "h", "submitter"), timedelta(hours=1)),
        ("1/s", Rate(1, "s"), timedelta(seconds=1)),
        ("2/d", Rate(2, "d"), timedelta(days=1)),
    ],
)
def test_a_rate_goes_there_and_back(text, rate, period):
    assert Rate.of(text) == rate
    assert str(rate) == text
    assert rate.period == period


@pytest.mark.parametrize(
    "text", ["0/min", "10", "10/m", "-1/s", "1.5/s", "10/min per user", "\u0661/s", "9999999/s", 10]
)
def test_another_rate_is_refused_with_what_is_expected(text, refused):
    (told,) = refused(JOB.format(queue=f"{{rate: {text}}}"))
    assert told.startswith("job.yaml:4: queue.rate: invalid value")
    assert told.endswith(
        "expected a number of runs in a period of s, min, h or d, such as 10/min, or 10/min per submitter"
    )
    with pytest.raises(SpecError):
        Rate.of(text)


@pytest.mark.parametrize(("value", "keep"), [(100, Keep(count=100)), ("30d", Keep(age=timedelta(days=30)))])
def test_a_keep_goes_there_and_back(value, keep, parsed):
    assert Keep.of(value) == keep
    assert keep.value == value
    assert parsed(f"queue: {{keep: {value}}}\n").queue.keep == keep


@pytest.mark.parametrize("value", ["0", "0s", "0m", "-1", "true", "1.5", "1000001", "soon", "[1]"])
def test_another_keep_is_refused_with_what_is_expected(value, refused):
    (told,) = refused(JOB.format(queue=f"{{keep: {value}}}"))
    assert told.startswith("job.yaml:4: queue.keep: invalid value")
    assert told.endswith("expected a number of runs from 1 to 1000000, or an age such as 30d")


def test_a_keep_has_one_of_its_two_forms():
    for wrong in ({}, {"count": 1, "age": timedelta(1)}):
        with pytest.raises(SpecError, match="both or none of count and age"):
            Keep(**wrong)


@pytest.mark.parametrize(
    ("queue", "wrong"),
    [
        ("{max_pending: 0}", "queue.max_pending"),
        ("{per_submitter: -1}", "queue.per_submitter"),
        ("{overlap: replace}", "queue.overlap"),
        ("{overlap: reject, max_pending: 5}", "queue.overlap: overlap: reject with max_pending"),
        ("{unique: [url, url]}", "queue.unique"),
        ("{memory: lots}", "queue.memory"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(queue, wrong, refused):
    (told,) = refused(JOB.format(queue=queue))
    assert told.startswith(f"job.yaml:4: {wrong}")


def test_unique_names_params_that_the_job_has(refused):
    (told,) = refused(JOB.format(queue="{unique: [ulr]}"))
    assert told.startswith("job.yaml:4: queue.unique")
    assert "ulr" in told


FULL = SubmitRules(20, 3, Rate(10, "min", "submitter"), ("url", "depth"), "queue", "2Gi", Keep.of("30d"))


@pytest.mark.parametrize(
    "wanted",
    [
        SubmitRules(),
        FULL,
        replace(FULL, keep=Keep.of(100), rate=Rate(1, "s")),
        SubmitRules(overlap="replace_running"),
        SubmitRules(overlap="reject", per_submitter=1),
    ],
)
def test_the_marker_carries_the_rules_unchanged(wanted):
    assert SubmitRules.read(wanted.dump()) == wanted


def test_rules_without_a_limit_ask_for_no_count():
    assert SubmitRules.of(Queue()).dump() == {}
    assert not SubmitRules.of(Queue(overlap="replace_waiting", keep=5, memory="1Gi")).limits_submits
    assert SubmitRules.of(Queue(overlap="reject")).limits_submits
