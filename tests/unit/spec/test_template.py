import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import fill, fill_all, names


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("{url}", "https://a"),
        ("a-{url}-{n}", "a-https://a-3"),
        ("{{url}}", "{url}"),
        ("{{{n}}}", "{3}"),
        ("{deep}", '{"a":[1,null]}'),
        ("{yes} {none} {half}", "true null 0.5"),
        ("{text}", "é {url} $HOME `x`"),
        ("", ""),
    ],
)
def test_fills(text, filled):
    values = {
        "url": "https://a",
        "n": 3,
        "deep": {"a": [1, None]},
        "yes": True,
        "none": None,
        "half": 0.5,
        "text": "é {url} $HOME `x`",
    }
    assert fill(text, values) == filled


def test_what_is_filled_in_is_never_filled_again():
    assert fill("{a}", {"a": "{b}", "b": "{a}"}) == "{b}"


def test_a_missing_name_tells_the_names_that_there_are():
    with pytest.raises(SpecError) as raised:
        fill("{ulr}", {"url": 1, "n": 2})
    assert str(raised.value) == "unknown placeholder {ulr}; expected a name of the payload or of params: n, url"
    with pytest.raises(SpecError, match=r"params: \(none\)"):
        fill("{a}", {})


def test_fills_all_strings_of_a_json_value():
    value = {"url": "{base}/x", "tags": ["{base}", 5, None, True], "{base}": {"deep": "{{}}"}}
    assert fill_all(value, {"base": "b"}) == {
        "url": "b/x",
        "tags": ["b", 5, None, True],
        "{base}": {"deep": "{}"},
    }


def test_names_each_once_and_in_order():
    assert names("{b} {a} {{c}} {b}") == ("b", "a")
    assert names("none") == ()


@pytest.mark.parametrize("text", ["{", "}", "{}", "{ a}", "{a.b}", "{a[0]}", "{a!r}", "{0}", "{a", "a}", "{{a}", "{é}"])
def test_a_brace_that_stands_alone_is_refused(text, refused):
    with pytest.raises(SpecError, match=r'invalid brace "[{}]" in'):
        names(text)
    told = refused(f"plan: {{items: [1]}}\nrun:\n  command:\n    - echo\n    - '{text}'")
    stray = "}" if text in {"}", "a}", "{{a}"} else "{"
    wrong = f'job.yaml:5: run.command.1: invalid brace "{stray}" in "{text}"'
    assert [line.partition(";")[0] for line in told] == [wrong]
