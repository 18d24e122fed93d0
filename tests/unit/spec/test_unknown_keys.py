import pytest

from airflow_mcp_provider.spec.unknown_keys import unknown_key

LATER = 'unsupported key "{}" (not available in this version)'


@pytest.mark.parametrize(
    ("place", "key"),
    [("report", "container"), ("plan", "job"), ("report", "job")],
)
def test_work_that_comes_later_is_named(place, key, refused):
    told = refused(
        "plan: {items: [1]}\nrun: {shell: x}\n".replace(f"{place}:", "#") + f"{place}:\n  {key}: {{image: a}}\n"
    )
    forms = "python, command, shell" + {"plan": ", container, items", "report": ""}[place]
    assert told[-1].endswith(f"{place}.{key}: {LATER.format(key)}; expected exactly one of {forms}")


def test_a_near_miss_is_suggested():
    assert unknown_key("", "Tgas", ("tags", "plan")) == 'unknown key "Tgas" (did you mean tags?)'
    assert unknown_key("", "zzz", ("tags", "plan")) == 'unknown key "zzz"'
    assert unknown_key("run", "schedule", ()) == 'unknown key "schedule"'
