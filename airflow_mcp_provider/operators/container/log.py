"""Follow the log of one container of a pod: every line once, even if the connection breaks."""

from __future__ import annotations

import math
import operator
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from kubernetes.client import CoreV1Api
from kubernetes.client.rest import ApiException
from tenacity import RetryError, retry, retry_if_result, stop_after_attempt, wait_fixed
from urllib3.exceptions import HTTPError

PATIENCE = (10, 300)
"""Seconds to wait for a connection, and between two lines before the connection is opened again."""
_MARGIN_S = 10
_PAUSE_S = 0.5
_TRIES = 5
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?\S* ?")


class Log(threading.Thread):
    """A thread that follows the log; ``take`` gets each line, without the line break."""

    def __init__(self, core: CoreV1Api, pod: tuple[str, str], container: str, take: Callable[[bytes], None]) -> None:
        super().__init__(daemon=True)
        self._core, self._pod, self._container, self._take = core, pod, container, take
        self._ended = threading.Event()
        self._last, self._same, self._seen, self._at = b"", 0, 0, 0.0

    def run(self) -> None:
        """Follow the log until ``end``; lines written before that are always read."""
        while not self._ended.is_set():
            self._read(follow=True)
            self._ended.wait(_PAUSE_S)
        with suppress(RetryError):
            self._read_rest()

    def end(self, seconds: float) -> None:
        """Read the rest after the end of the container; waits up to ``seconds``."""
        self._ended.set()
        self.join(seconds)

    @retry(retry=retry_if_result(operator.not_), stop=stop_after_attempt(_TRIES), wait=wait_fixed(_PAUSE_S))
    def _read_rest(self) -> bool:
        return self._read(follow=False)

    def _read(self, *, follow: bool) -> bool:
        """Read new lines; returns False for an error that may be temporary: a broken connection, or no log yet."""
        again, self._seen = (self._last, self._same), 0
        try:
            answer = self._open(follow=follow)
            try:
                self._lines(answer, again)
            finally:
                answer.release_conn()
        except ApiException as error:
            return bool(error.status == HTTPStatus.NOT_FOUND)  # deleted with its pod
        except (HTTPError, OSError):
            return False
        return True

    def _open(self, *, follow: bool) -> Any:  # noqa: ANN401 - urllib3's answer
        since = {"since_seconds": math.ceil(time.monotonic() - self._at) + _MARGIN_S} if self._last else {}
        return self._core.read_namespaced_pod_log(
            *self._pod,
            container=self._container,
            follow=follow,
            timestamps=True,
            _preload_content=False,
            _request_timeout=PATIENCE,
            **since,
        )

    def _lines(self, answer: Any, again: tuple[bytes, int]) -> None:  # noqa: ANN401 - likewise
        rest = b""
        for chunk in answer.stream(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line, again)
        if rest:
            self._line(rest, again)

    def _line(self, line: bytes, again: tuple[bytes, int]) -> None:
        found = _STAMP.match(line)
        if found is None:
            return
        stamp = found[1] + (found[2] or b"").ljust(9, b"0")
        last, same = again
        if stamp < last:
            return
        if stamp == last:
            self._seen += 1
            if self._seen <= same:
                return
        self._same = self._same + 1 if stamp == self._last else 1
        self._last, self._at = stamp, time.monotonic()
        self._take(line[found.end() :])
