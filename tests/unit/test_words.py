"""The words of messages, docstrings and names: those that Airflow's and Kubernetes' documentation use.

CONTRIBUTING.md has the glossary. A pattern here is one that was in the code once and that a reader did not understand
or a search engine did not find.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

import airflow_mcp_provider

ROOT = Path(airflow_mcp_provider.__file__).parent
ROOMS = sorted({path.relative_to(ROOT).parts[0] for path in ROOT.rglob("*.py")})

IN_MESSAGES = (
    r"(?<![Tt]here )\b(is|are) no\b",  # `invalid duration "10 min"; expected …` instead of `… is no duration`
    r"; given |; allowed ",
    r"\b(had|whom|nobody|in vain|of ours)\b",
    r"\b(says?|said|hears?|heard|bears?|cures?)\b",
    r"\ba (pod|task|run|subtask|step|row|request|job|slot|file) a (\w+)\b",  # "one pod per subtask"
)
ANYWHERE = (
    r"\b(tells?|told)\b",
    r"\b(heed(s|ed)?|dress(es|ed)?|doors?|hatch(es)?|takings?|overlook(s|ed)?|settlers?|witness(es)?)\b",
)
NAMES = {"cure", "door", "dress", "hatch", "heed", "overlooked", "settler", "taking", "tell", "tells", "told"}


def texts(path: Path) -> list[tuple[int, str, bool]]:
    """Line, text and whether it is a docstring, of every text in a module that has more than one word or name."""
    tree = ast.parse(path.read_text())
    docs = {id(_first_value(node)) for node in ast.walk(tree)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    # Names of variables are words, too: MCP_DOOR is "MCP DOOR" here.
    return [
        (node.lineno, node.value.replace("_", " "), id(node) in docs)
        for node in constants
        if {" ", "_"} & {*node.value}
    ]


def _first_value(node: ast.AST) -> ast.AST | None:
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    return first.value if isinstance(first, ast.Expr) else None


def _found(path: Path) -> list[str]:
    where = path.relative_to(ROOT)
    found = []
    for line, text, is_docstring in texts(path):
        for pattern in ANYWHERE if is_docstring else (*ANYWHERE, *IN_MESSAGES):
            found += [
                f"{where}:{line}: {hit.group()!r} in {text[:90]!r}" for hit in re.finditer(pattern, text, re.IGNORECASE)
            ]
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT:
            found += [f"{where}:{token.start[0]}: {hit.group()!r} in a comment" for hit in _hits(token.string)]
        if token.type == tokenize.NAME and NAMES & set(_words(token.string)):
            found.append(f"{where}:{token.start[0]}: the name {token.string}")
    return found


def _hits(text: str) -> list[re.Match[str]]:
    return [hit for pattern in ANYWHERE for hit in re.finditer(pattern, text, re.IGNORECASE)]


def _words(name: str) -> list[str]:
    return [word.lower() for part in name.split("_") for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", part)]


QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')


def _in_module(path: Path) -> list[str]:
    """Look into an ES module: its texts are those with a space, the rest is comments and names."""
    text = path.read_text()
    said = [hit.group(1) or hit.group(2) or "" for hit in QUOTED.finditer(re.sub(r"//.*", "", text))]
    found = [hit.group() for hit in _hits(text)]
    for pattern in IN_MESSAGES:
        found += [hit.group() for one in said if " " in one for hit in re.finditer(pattern, one, re.IGNORECASE)]
    return found


def test_the_pages_have_no_banned_pattern():
    found = {path.relative_to(ROOT).as_posix(): _in_module(path) for path in ROOT.rglob("*.js")}
    assert {path: hits for path, hits in found.items() if hits} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_texts_and_names_have_no_banned_pattern(room):
    place = ROOT / room
    found = [line for path in ([place] if place.is_file() else sorted(place.rglob("*.py"))) for line in _found(path)]
    assert not found, "\n".join(found)


def test_the_look_finds_each_kind(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    module = tmp_path / "module.py"
    module.write_text('"""What is told."""\ntold = 1  # heed it\nraise ValueError("1 is no number")\n')
    assert [line.split(": ", 1)[1] for line in _found(module)] == [
        "'told' in 'What is told.'",
        "'is no' in '1 is no number'",
        "the name told",
        "'heed' in a comment",
    ]
