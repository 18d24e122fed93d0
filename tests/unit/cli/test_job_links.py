from airflow_mcp_provider.cli import job_links
from airflow_mcp_provider.spec import parse_job

SMALL = "plan: {items: [1]}\nrun: {shell: x}\n"


def jobs(**texts):
    return {name: parse_job(text, id=name) for name, text in texts.items()}


def test_links_are_all_places_that_name_a_job():
    text = (
        "plan: {items: [1]}\nsteps: [{name: s, run: {shell: x}}, {name: t, run: {job: b}}]\nsubtasks: {jobs: [c, d]}\n"
    )
    found = jobs(a=text + "schedule: {after: [e]}\n")["a"]
    assert [(one.path, one.job, one.kind) for one in job_links.links(found)] == [
        ("steps.1.run.job", "b", "call"),
        ("subtasks.jobs.0", "c", "call"),
        ("subtasks.jobs.1", "d", "call"),
        ("schedule.after.0", "e", "after"),
    ]
    (first, *_), known = [*job_links.unknown(found, {"b", "c", "d", "ee"})], "the id of a job that this Airflow has"
    assert (first.path, first.given, first.expected) == ("schedule.after.0", "e", f"{known} (did you mean ee?)")


def test_a_circle_is_one_of_calls_or_one_of_after():
    after = {name: SMALL + f"schedule: {{after: [{other}]}}\n" for name, other in (("a", "b"), ("b", "c"), ("c", "b"))}
    ((job, problem),) = job_links.circular(jobs(**after))
    assert (job, problem.path) in {("b", "schedule.after.0"), ("c", "schedule.after.0")}
    assert problem.given in {"b -> c -> b", "c -> b -> c"}
    mixed = jobs(a=SMALL + "schedule: {after: [b]}\n", b="plan: {items: [1]}\nrun: {job: a}\n")
    assert [*job_links.circular(mixed)] == []
