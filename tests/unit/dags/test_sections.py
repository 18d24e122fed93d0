"""The job ``write_sections`` without Airflow: what it writes stands in its sources, and gaps are told."""

import inspect
import pydoc
import random
from pathlib import Path

import pytest
from sections import NothingFound, review
from sections.corpus import Passage, passages

WORDS = ["queue", "put", "get", "maxsize"]


def plain(text):
    return " ".join(text.split())


def quoted(text):
    """Every (sentence, source) of a document."""
    lines = [line.rpartition(" (") for line in text.splitlines() if line.endswith(")")]
    return [(sentence, source[:-1]) for sentence, _, source in lines]


@pytest.fixture(scope="module")
def library():
    from tests.unit.dags.conftest import local_run

    return local_run("write_sections", busy=0)


@pytest.fixture(scope="module")
def document(library):
    return library.run()


def test_twenty_sections_in_the_order_asked_for(library, document):
    asked = [section["title"] for section in library.spec.params["sections"]["default"]]
    assert len(asked) == 20
    assert document["sections"] == asked
    assert [line[3:] for line in document["text"].splitlines() if line.startswith("## ")] == asked
    assert document["missing"] == []


def test_what_is_quoted_stands_where_it_is_said_to_stand(document):
    """Held against the modules themselves, imported."""
    quotes = quoted(document["text"])
    assert len(quotes) > 100
    held = 0
    for sentence, source in random.Random(1).sample(quotes, 40):
        there = pydoc.locate(source)
        if there is not None and inspect.getdoc(there):  # what another platform has is not here
            assert plain(sentence) in plain(inspect.getdoc(there)), source
            held += 1
    assert held > 20


def test_a_corpus_of_ones_own(local_run, tmp_path):
    (tmp_path / "notes.md").write_text("A queue is a line. Whales swim.\n\nOf queues: put and get.\n")
    (tmp_path / "broken.py").write_text("def queue(:\n")
    (tmp_path / "code.py").write_text('class A:\n    def b(self):\n        """Put a thing."""\n')
    (tmp_path / "picture.bin").write_bytes(b"queue\0")
    sections = [{"title": "Lines", "query": "queue put"}, {"title": "Whales", "query": "swim"}]
    sections.append({"title": "Nothing", "query": "xyzzy"})
    run = local_run("write_sections", corpus=str(tmp_path), busy=0, sections=sections, project="Notes")
    document = run.run()
    assert document["sections"] == ["Lines", "Whales"]
    assert document["text"].startswith("# Notes\n\n## Lines\n\n")
    assert {("A queue is a line.", "notes.md:1"), ("Put a thing.", "code.A.b")} < set(quoted(document["text"]))
    assert document["remarks"] == {"Whales": ["it leans on one source"]}
    (gap,) = document["missing"]
    assert (gap["title"], gap["step"]) == ("Nothing", "search")
    (failed,) = [outcome for outcome in run.outcomes if outcome.status == "failed"]
    assert failed.error.type.endswith(NothingFound.__name__)


def test_the_tool_is_busy_now_and_then_and_not_for_ever(local_run, monkeypatch):
    def found(attempt):
        monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", str(attempt))
        run = local_run("write_sections", busy=0.3)
        run.run()
        assert {outcome.error.type for outcome in run.outcomes if outcome.error} <= {"sections.tool.ToolBusy"}
        return {outcome.key for outcome in run.outcomes if outcome.step == "review"}

    first, second = found(1), found(2)
    assert 10 < len(first) < 20
    assert 10 < len(second) < 20
    assert first != second


def test_the_review_finds_what_was_invented():
    subtask = {"search": [{"source": "a", "text": "One."}], "write": {"quotes": [{"text": "Two.", "source": "a"}]}}
    with pytest.raises(ValueError, match=r"not in its source: 'Two\.'"):
        review(subtask)


def test_the_passages_that_have_most_of_the_words_come_first(tmp_path):
    (tmp_path / "a.txt").write_text("queue queue queue\n\nput get\n\nnothing of it\n\nqueue put get maxsize")
    texts = ["queue put get maxsize", "put get", "queue queue queue"]
    found = [Passage(f"a.txt:{number}", text) for number, text in zip((4, 2, 1), texts, strict=True)]
    assert passages(str(tmp_path), WORDS, 9) == found
    assert len(passages(str(tmp_path), WORDS, 2)) == 2
    with pytest.raises(NotADirectoryError):
        passages(str(Path(tmp_path, "none")), WORDS, 9)
