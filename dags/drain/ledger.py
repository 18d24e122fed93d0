"""What a message does, once: replace ``book`` with your own work, and keep its form.

The id of a message is written in the transaction of its effect, so a message that comes again (its runner was killed
before it could acknowledge, or somebody sent it twice) changes nothing. Here the effect is a balance in SQLite;
where runners share no disk it is your database.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS booked (id TEXT PRIMARY KEY, burst TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (digest TEXT PRIMARY KEY, burst TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balances (account TEXT PRIMARY KEY, cents INTEGER NOT NULL) WITHOUT ROWID;
"""
_PATIENCE_S = 60
_NAMED = 50


class BadMessage(ValueError):
    """No try can book this one: it goes to the failed ones, its neighbours go on."""


class Ledger:
    """The file with the balances, and which messages made them."""

    def __init__(self, path: str) -> None:
        self._path = path
        with self._transaction() as database:
            for table in _TABLES.strip().splitlines():
                database.execute(table)

    def book(self, body: bytes, burst: str) -> bool:
        """Add a message's amount to its account; False: it was booked before. Raises BadMessage."""
        message = _message(body)
        with self._transaction() as database:
            new = database.execute("INSERT OR IGNORE INTO booked VALUES (?, ?)", (message["id"], burst)).rowcount
            if new:
                database.execute(
                    "INSERT INTO balances VALUES (?, ?) ON CONFLICT DO UPDATE SET cents = cents + excluded.cents",
                    (message["account"], message["cents"]),
                )
        return bool(new)

    def refuse(self, body: bytes, burst: str, reason: str) -> None:
        """Keep why a message was not booked."""
        digest = hashlib.sha256(body).hexdigest()[:16]
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", (digest, burst, reason[:300]))

    def told(self, bursts: Iterable[str]) -> dict[str, Any]:
        """What some bursts came to."""
        marks = ",".join("?" * len(given := [*bursts]))
        with self._transaction() as database:
            booked = database.execute(f"SELECT count(*) FROM booked WHERE burst IN ({marks})", given)  # noqa: S608 - marks
            refused = database.execute(f"SELECT digest, reason FROM refused WHERE burst IN ({marks})", given)  # noqa: S608
            (count,), rows = booked.fetchone(), refused.fetchall()
            accounts, cents = database.execute("SELECT count(*), coalesce(sum(cents), 0) FROM balances").fetchone()
        named = [{"digest": digest, "reason": reason} for digest, reason in rows[:_NAMED]]
        return {"booked": count, "refused": len(rows), "reasons": named, "accounts": accounts, "cents": cents}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=_PATIENCE_S, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")
        finally:
            database.close()  # what was not committed is undone


def _message(body: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise BadMessage(f"is no JSON: {error}") from None
    wanted = {"id": str, "account": str, "cents": int}
    if not isinstance(message, dict) or not all(isinstance(message.get(name), kind) for name, kind in wanted.items()):
        raise BadMessage('is no booking: wanted {"id": "…", "account": "…", "cents": 0}')
    return message
