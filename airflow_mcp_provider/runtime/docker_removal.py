"""Remove a container of Docker when its runner asks for it, or when the runner is killed.

Runs in the runner, which starts a shell for it. The shell waits for the end of its input, which the runner and the
process of the work hold open. It is in a session of its own, so no signal for the process group of the runner reaches
it, and ``processes.kill_all`` leaves that session out: it runs in a thread when a run is cancelled, and would kill a
``docker rm`` that the runner starts meanwhile.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from airflow_mcp_provider.runtime import processes

_REMOVE = """
trap "" PIPE
cat > /dev/null
for pause in 0 1 2 4; do
  sleep "$pause"
  removed=$("$0" rm --force --volumes "$1")
  [ "$pause" != 0 ] || echo tried
  [ -z "$removed" ] || exit 0
done
"""
"""Docker prints the name of a container that it has removed. Otherwise the shell tries again: the engine may have
failed, or it may still create the container for a ``docker run`` that was killed."""
_END_S = 1.0


@dataclass(slots=True)
class Removal:
    """The removal of one container."""

    _shell: subprocess.Popen[bytes] | None = None

    def prepare(self, docker: str, name: str) -> None:
        """Start the shell. Called before the process of the work is forked, which holds the shell's input open, too."""
        with processes.sparing() as spared:
            self._shell = subprocess.Popen(  # noqa: S603 - our own text
                ["/bin/sh", "-c", _REMOVE, docker, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            spared.add(self._shell.pid)

    def finish(self, seconds: float) -> bool:
        """Have the container removed; returns whether Docker has answered in time. Later tries are not waited for."""
        shell, self._shell = self._shell, None
        if shell is None:
            return True
        tried = _tried(shell, seconds)
        if processes.wait(shell.pid, _END_S if tried else 0) is not None:
            with processes.sparing() as spared:
                spared.discard(shell.pid)
        shell.returncode = 0  # it may go on: Popen's destructor must not complain
        return tried


def _tried(shell: subprocess.Popen[bytes], seconds: float) -> bool:
    with shell.stdout as answer:  # type: ignore[union-attr]  # both are pipes
        shell.stdin.close()  # type: ignore[union-attr]  # likewise
        return processes.is_readable(answer.fileno(), seconds) and bool(answer.readline())
