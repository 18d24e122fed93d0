"""``batch`` of a job and of its steps, and where it cannot be."""

import pytest

from airflow_mcp_provider.spec import parse_job

TWO = """plan: {{items: [1]}}
steps:
  - {{name: search, run: {{shell: x}}}}
  - {{name: write, run: {{{work}}}{own}}}
subtasks: {{batch: 20}}
"""
NO_RUNNER = "runs of another job cannot be combined"
OWN_POD = "containers cannot be combined"


def test_a_step_packs_as_the_job_does_or_as_it_says():
    job = parse_job(TWO.format(work="shell: x", own=""), id="job")
    assert [step.subtasks.batch for step in job.each_step] == [20, 20]
    job = parse_job(TWO.format(work="shell: x", own=", subtasks: {batch: 3}"), id="job")
    assert [step.subtasks.batch for step in job.each_step] == [20, 3]
    assert parse_job("plan: {items: [1]}\nrun: {shell: x}\n", id="job").each_step[0].subtasks.batch == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "plan: {items: [1]}\nrun: {job: other}\nsubtasks: {batch: 2}\n",
            f"job.yaml:3: subtasks.batch: unsupported batch size 2; expected 1 ({NO_RUNNER})",
        ),
        (
            TWO.format(work="job: other", own=""),
            (
                "job.yaml:5: subtasks.batch: unsupported batch size 20; expected 1, here or as subtasks.batch of the step "
                f"write ({NO_RUNNER})"
            ),
        ),
        (
            TWO.format(work="job: other", own=", subtasks: {batch: 2}"),
            f"job.yaml:4: steps.1.subtasks.batch: unsupported batch size 2; expected 1 ({NO_RUNNER})",
        ),
        (
            "plan: {items: [1]}\nrun: {container: {image: x}}\nsubtasks: {batch: 2}\n",
            f"job.yaml:3: subtasks.batch: unsupported batch size 2; expected 1 ({OWN_POD})",
        ),
        (
            "plan: {items: [1]}\nrun: {shell: x}\nsubtasks: {batch: 2, jobs: [other]}\n",
            f"job.yaml:3: subtasks.jobs: conflict with batch; expected batch: 1 ({NO_RUNNER})",
        ),
    ],
)
def test_what_no_runner_does_in_turn_is_not_packed(text, told, refused):
    assert refused(text) == [told]


def test_a_step_of_runs_of_another_job_beside_steps_that_pack(refused):
    job = parse_job(TWO.format(work="job: other", own=", subtasks: {batch: 1}"), id="job")
    assert [step.subtasks.batch for step in job.each_step] == [20, 1]
