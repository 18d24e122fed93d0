from airflow_mcp_provider.cli import static_checks
from airflow_mcp_provider.spec import parse_job


def problems(text, **others):
    known = {name: parse_job(other, id=name) for name, other in others.items()}
    return [(one.path, one.sentence) for one in static_checks.problems_of(parse_job(text, id="a"), known)]


def test_placeholders_are_names_of_params_and_of_known_payloads():
    assert problems(
        "params: {p: {}}\nplan: {items: [{a: '{p}'}, {a: '{q}', b: ['{a}']}]}\n"
        "steps: [{name: s, run: {command: [x, '{a}{p}', '{{c}}']}}, {name: t, run: {command: [x, '{s}', '{t}']}}]\n"
        "report: {command: [x, '{outcomes}', '{a}']}\n"
    ) == [
        ("plan.items.1.a", "unknown placeholder {q}; expected a name of params: p"),
        ("plan.items.1.b.0", "unknown placeholder {a}; expected a name of params: p"),
        ("steps.1.run.command.2", "unknown placeholder {t}; expected a name of the payload or of params: a, p, s"),
        ("steps.1.run.command.2", "unknown placeholder {t}; expected a name of the payload or of params: a, b, p, s"),
        ("report.command.2", "unknown placeholder {a}; expected a name of params, or outcomes: outcomes, p"),
    ]


def test_payloads_that_only_a_run_shows_are_not_checked():
    assert problems("plan: {python: a:b}\nrun: {command: [x, '{a}']}\nsubtasks: {key: a}\n") == []
    assert problems("plan: {command: [x, '{a}']}\nrun: {container: {image: '{a}'}}\n") == [
        ("plan.command.1", "unknown placeholder {a}; expected a name of params: (none)")
    ]


def test_a_key_is_in_each_item():
    assert problems("plan: {items: [{a: 1}, {a: 1, b: 1}]}\nrun: {shell: x}\nsubtasks: {key: '{a} {b}'}\n") == [
        ("subtasks.key", "unknown field b; expected a field that all items have, such as a")
    ]


def test_the_payload_of_a_called_job_is_its_conf():
    calls = "plan: {items: [{a: 1}]}\nrun: {job: other}\n"
    other = "plan: {items: [1]}\nrun: {shell: x}\nparams: "
    assert problems(calls, other=other + "{a: {}, b: {default: 1}}\n") == []
    assert problems(calls) == []
    assert problems(calls, other=other + "{b: {default: 1}}\n") == [
        ("run.job", "payload with fields that are not params: a; expected params of other: b")
    ]
    assert problems(calls, other=other + "{a: {}, b: {}}\n") == [
        ("run.job", "payload without required params: a; expected a payload with b, required by other")
    ]


def test_a_step_has_a_soft_limit_below_that_of_the_run():
    text = "plan: {items: [1]}\nsteps: [{name: s, run: {shell: x}, timeouts: {soft: 2h}}]\ntimeouts: {run: 1h}\n"
    assert problems(text) == [
        ("steps.0.timeouts.soft", "time limit too long: 2h; expected less than 1h, the value of timeouts.run")
    ]
