"""The job's report: all facts of all subtasks, folded into sums, the largest files and the duplicates.

Runs in the report's runner. The facts of a million files do not fit a small pod's memory, so they pass
through a temporary SQLite database: on disk beyond a small cache, gone when it is closed, and it sorts and
groups on disk, too. By its keys nothing counts twice where two attempts of a subtask divided a changing tree
differently.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from airflow_mcp_provider.runtime import Outcome

from .listing import child
from .reading import Facts

_DUPLICATES = 20
_PATHS = 10
_PATHS_BYTES = 8_000
"""Of one group of duplicates."""
_PROBLEMS = 50
_PATH_CHARS = 600
_LIST_BYTES = 17_000
"""Three lists of at most this much, the languages and the totals: below the 65,535 bytes of a result."""

_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA cache_size = -16000;
    CREATE TABLE directory (path PRIMARY KEY, links, broken_links, special, excluded) WITHOUT ROWID;
    CREATE TABLE file (path PRIMARY KEY, language, bytes, lines, hash, inode) WITHOUT ROWID;
    CREATE TABLE problem (path, reason, PRIMARY KEY (path, reason)) WITHOUT ROWID;
"""
_ADD_DIRECTORY = """
    INSERT OR IGNORE INTO directory VALUES (:path, :links, :broken_links, :special, :excluded)
"""
_ADD_FILE = "INSERT OR IGNORE INTO file VALUES (?, ?, ?, ?, ?, ?)"
_ADD_PROBLEM = "INSERT OR IGNORE INTO problem VALUES (?, ?)"
_TOTALS = """
    SELECT directory.*, file.*
    FROM (SELECT count(*) AS directories, total(links) AS links, total(broken_links) AS broken_links,
                 total(special) AS special, total(excluded) AS excluded FROM directory) AS directory,
         (SELECT count(*) AS files, total(lines) AS lines, total(bytes) AS bytes,
                 total(bytes = 0) AS empty, count(inode) AS hard_links FROM file) AS file
"""
_LANGUAGES = """
    SELECT language, count(*) AS files, CAST(total(lines) AS INTEGER) AS lines, CAST(total(bytes) AS INTEGER) AS bytes
    FROM file GROUP BY language ORDER BY lines DESC, bytes DESC, language
"""
_LARGEST = "SELECT path, bytes FROM file ORDER BY bytes DESC, path LIMIT ?"
# The names of one file are one copy of its content.
_DUPLICATE_GROUPS = """
    SELECT hash, bytes, count(DISTINCT coalesce(inode, path)) AS copies,
           (count(DISTINCT coalesce(inode, path)) - 1) * bytes AS wasted
    FROM file WHERE hash IS NOT NULL GROUP BY hash, bytes HAVING copies > 1 ORDER BY wasted DESC, hash LIMIT ?
"""
_COPIES = """
    SELECT min(path) AS path FROM file WHERE hash = ? AND bytes = ?
    GROUP BY coalesce(inode, path) ORDER BY 1 LIMIT ?
"""


def summary(outcomes: Iterable[Outcome], params: Mapping[str, Any]) -> dict[str, Any]:
    """Fold what the subtasks found into the job's result."""
    with closing(sqlite3.connect("")) as facts:
        facts.row_factory = sqlite3.Row
        facts.executescript(_TABLES)
        for outcome in outcomes:
            _store(facts, outcome)
        return {
            "totals": {name: int(count) for name, count in _rows(facts, _TOTALS)[0].items()},
            "languages": _rows(facts, _LANGUAGES),
            "largest": _fitting(_rows(facts, _LARGEST, params["largest"])),
            "duplicates": _fitting(_duplicates(facts)),
            "problems": _fitting(_rows(facts, "SELECT * FROM problem ORDER BY path, reason LIMIT ?", _PROBLEMS)),
            "problems_total": _rows(facts, "SELECT count(*) AS total FROM problem")[0]["total"],
        }


def _store(facts: sqlite3.Connection, outcome: Outcome) -> None:
    if outcome.status == "success":
        for row in outcome.result["directories"]:
            _store_directory(facts, row)
        return
    error = f"{outcome.error.type}: {outcome.error.message}" if outcome.error else "not started"
    facts.execute(_ADD_PROBLEM, (outcome.key, f"subtask {outcome.status}: {error:.300}"))


def _store_directory(facts: sqlite3.Connection, row: Mapping[str, Any]) -> None:
    path = row["path"]
    if "part" not in row:
        facts.execute(_ADD_DIRECTORY, row)
    if row["problem"]:
        facts.execute(_ADD_PROBLEM, (path, row["problem"]))
    for file in row["files"]:
        found = Facts(*file)
        where = child(path, found.name)
        facts.execute(_ADD_FILE, (where, found.language, found.size, found.lines, found.hash, found.inode))
        if found.problem:
            facts.execute(_ADD_PROBLEM, (where, found.problem))


def _duplicates(facts: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    for group in _rows(facts, _DUPLICATE_GROUPS, _DUPLICATES):
        copies = _rows(facts, _COPIES, group["hash"], group["bytes"], _PATHS)
        yield {**group, "paths": [copy["path"] for copy in _fitting(copies, _PATHS_BYTES)]}


def _rows(facts: sqlite3.Connection, query: str, *values: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in facts.execute(query, values)]


def _fitting(rows: Iterable[dict[str, Any]], limit: int = _LIST_BYTES) -> list[dict[str, Any]]:
    """Return the first rows that fit their part of the result."""
    fitting: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        shown = {name: _shown(value) if name == "path" else value for name, value in row.items()}
        size += len(json.dumps(shown))
        if size > limit:
            break
        fitting.append(shown)
    return fitting


def _shown(path: str) -> str:
    """Return a path without its middle where it is very long."""
    return path if len(path) <= _PATH_CHARS else f"{path[: _PATH_CHARS // 2]}…{path[-_PATH_CHARS // 2 :]}"
