"""What goes wrong while a run runs: servers that are killed or started again, spread over the run."""

from tests.swarm.measure import Meddle, Running

SERVER = "api-server-1"


def kills(times: int, enqueued: int) -> Meddle:
    """SIGKILL of the API server, which is started again each time; ``enqueued`` subtasks are, in all."""

    def meddle(running: Running) -> None:
        for confirmed in _points(times, enqueued):
            if running.wait_for(confirmed):
                running.airflow.kill(SERVER)
                running.airflow.start(SERVER)
                running.note(SERVER)
        running.release()

    return meddle


def restarts(times: int, enqueued: int) -> Meddle:
    """Postgres ends and starts again; what of Airflow does not survive that is started again, as Kubernetes does it."""

    def meddle(running: Running) -> None:
        for confirmed in _points(times, enqueued):
            # A scheduler may end seconds after a restart; without it no further subtask would be confirmed.
            if running.wait_for(confirmed, lambda: _revive(running)):
                running.airflow.restart_database()
                running.note("Postgres")
        running.release()
        while not running.ended.wait(0.5):
            _revive(running)

    return meddle


def _points(times: int, enqueued: int) -> list[int]:
    return [enqueued * number // (times + 1) for number in range(1, times + 1)]


def _revive(running: Running) -> None:
    for name, process in list(running.airflow.processes.running.items()):
        if process.poll() is not None:
            running.airflow.processes.restart(name)  # and not ``start``, which waits: others may end meanwhile
            running.note(f"{name} ended by itself")
