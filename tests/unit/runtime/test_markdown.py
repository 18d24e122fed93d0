"""Read as GitHub's Markdown, which Airflow's UI takes notes for."""

from __future__ import annotations

import re

import pytest
from airflow._shared.secrets_masker import _secrets_masker
from markdown_it import MarkdownIt

from airflow_mcp_provider.plugin.db import run_notes
from airflow_mcp_provider.runtime import markdown

HOSTILE = [
    "![p](http://evil.example/x.png)",
    "![p][r]\n\n[r]: http://evil.example/x.png",
    "<img src=http://evil.example/x.png>",
    "[x](javascript:alert(1))",
    "<http://evil.example>",
    "see http://evil.example/a?b",
    "HTTPS://EVIL.example",
    "see www.evil.example",
    "a@evil.example",
    "a | b\n--|--\n1 | 2",
    "title\n===",
    "title\n---",
    "# heading",
    "> quote",
    "- item",
    "+ item",
    "1. item",
    "```\ncode",
    "~~~\ncode",
    "`" * 1_000,
    "``` ` `` x",
    "`![p](http://evil.example/x.png)",
    "`` ![p](http://evil.example/x.png) `",
    "*strong* __strong__ _em_ ~~gone~~",
    "a\\",
    "&lt;img&gt; &#33;[p](x)",
    "x\r![p](http://evil.example/x.png)",
    "x\u2028![p](http://evil.example/x.png)",
    "\u202egnp.x/elpmaxe.live//:ptth",
    "[^1]\n\n[^1]: http://evil.example",
    "- [ ] task",
    "    ![p](http://evil.example/x.png)",
    "\t<img src=x>",
    "***",
    "  \n\n  ",
]
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
LINK = re.compile(r"https?://|www\.|@", re.IGNORECASE)
SHOWN = {"text", "code_inline", "softbreak"}


def syntax(note: str) -> set[str]:
    """What a reader makes of a note besides paragraphs of text and code; links that GitHub finds in plain text."""
    tokens = READER.parse(note)
    inner = [child for token in tokens for child in token.children or []]
    blocks = {token.type for token in tokens} - {"paragraph_open", "paragraph_close", "inline"}
    links = {"a link" for child in inner if child.type == "text" and LINK.search(child.content)}
    return blocks | ({child.type for child in inner} - SHOWN) | links


@pytest.mark.parametrize("data", HOSTILE)
@pytest.mark.parametrize(
    "note", ["failed: {}", "{}", "partial: 1 of 2 subtasks succeeded\nkey: {}", "waiting: x\n{}\n{}", "failed: x{}"]
)
def test_data_in_a_note_is_never_syntax(note, data):
    told = run_notes.shown(note.replace("{}", data))
    assert not syntax(told), told
    assert len(told) <= run_notes.CHARS


@pytest.mark.parametrize("data", HOSTILE)
def test_a_note_that_is_cut_is_no_syntax_either(data):
    for length in range(run_notes.CHARS - 60, run_notes.CHARS + 5):
        told = run_notes.shown(f"failed: {'x' * length} {data}\nkey: {data}")
        assert not syntax(told), told
        assert len(told) <= run_notes.CHARS


@pytest.mark.parametrize(
    "note",
    [
        "partial: 4 of 12 subtasks succeeded, 8 failed (tolerated: 100%)\nf0: it is gone",
        "waiting: manual__2026-11-26T01:02:03.456+00:00 is running",
        "failed: timeouts.run (1h) passed: 1 running tasks were ended, 1 were not started",
        "failed: invalid mcp_priority soon in the run's conf; expected -1000 to 1000",
        "nothing to do: plan found no subtasks",
    ],
)
def test_our_own_words_stay_as_they_are(note):
    assert run_notes.shown(note) == note


def test_our_first_word_stays_in_front_so_that_the_note_is_known_as_ours():
    assert run_notes.shown("waiting: ~x~ goes first") == "waiting: `~x~ goes first`"
    assert (
        run_notes.shown("waiting: it failed: ValueError: {'a': [1]}") == "waiting: it failed: ValueError: `{'a': [1]}`"
    )
    assert run_notes.ours(run_notes.shown("failed: ![p](http://evil.example)"))


def test_a_note_has_no_secrets():
    masker = _secrets_masker()
    kept = set(masker.patterns), masker.replacer
    try:
        masker.add_mask("hunter22222")
        assert run_notes.shown("failed: x\nkey: hunter22222") == "failed: x\n`key: ***`"
    finally:
        masker.patterns, masker.replacer = kept


def test_what_nobody_sees_is_escaped():
    assert markdown.line("a\x1b[2J\u202e\ud800b") == r"`a\x1b[2J\u202e\ud800b`"
