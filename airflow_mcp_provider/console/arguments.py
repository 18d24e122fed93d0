"""The commands of ``mcp-jobs`` and their arguments; ``airflow mcp`` has the same ones.

Every ``airflow`` command and every completion in a shell imports this module. So it imports nothing; the implementation
of a command is imported when the command runs.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STATES = ("queued", "running", "cancelling", "completed", "partial", "error", "timeout", "cancelled")
SUBTASK_STATES = ("waiting", "running", "succeeded", "failed", "skipped")
LATEST = "latest"
"""Instead of a run id: the newest run of the job."""


@dataclass(frozen=True)
class Argument:
    """An argument: its flags, the options of ``ArgumentParser.add_argument``, and what completes it in a shell."""

    flags: tuple[str, ...]
    options: Mapping[str, Any]
    complete: str = ""


@dataclass(frozen=True)
class Command:
    """A command. ``function``: the module in this package and the function, as ``module:function``."""

    name: str
    help: str
    function: str
    arguments: tuple[Argument, ...] = ()
    description: str = field(default="")


def positive(text: str) -> int:
    """Return a positive number; raises ArgumentTypeError."""
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"invalid value {text!r}; expected a positive number")
    return int(text)


def _argument(*flags: str, complete: str = "", **options: Any) -> Argument:
    return Argument(flags, options, complete)


CONNECTION = (
    _argument(
        "--url", help="Address of the API server (default: MCP_JOBS_URL, or that of the environment, see --env)."
    ),
    _argument("--token", help="Token of Airflow's API (default: AIRFLOW_CLI_TOKEN, or that of airflowctl auth login)."),
    _argument(
        "--user",
        help="User to log in instead of a token; the password is MCP_JOBS_PASSWORD, or asked for, or read from stdin.",
    ),
    _argument("--env", help="Environment of airflowctl (default: AIRFLOW_CLI_ENVIRONMENT, else production)."),
)
COMMON = (
    _argument("-o", "--output", choices=("table", "json", "yaml"), default="table", help="Output (default: table)."),
    *CONNECTION,
)
JOB = _argument("job", metavar="JOB", complete="jobs", help="The id of a job.")
SOME_JOB = _argument("job", metavar="JOB", nargs="?", complete="jobs", help="The id of a job (default: all jobs).")
RUN = _argument(
    "names",
    metavar="RUN",
    nargs="+",
    complete="runs",
    help=f"[JOB] RUN: the id of a run, after that of its job if several have such a run. JOB {LATEST}: the newest run.",
)
LOG = _argument(
    "names",
    metavar="RUN",
    nargs="+",
    complete="runs",
    help="[JOB] RUN [KEY]: the id of a run, as for status, and the key of a subtask (default: the logs of all tasks).",
)
UNTIL_END = (
    _argument("--wait", action="store_true", help="Wait until the run has ended; the exit code is its outcome."),
    _argument("--follow", "-f", action="store_true", help="As --wait, and show the progress."),
    _argument(
        "--timeout", metavar="DURATION", help="With --wait or --follow: give up after this time, for example 90s or 1h."
    ),
)
SUBMIT = (
    JOB,
    _argument(
        "-c",
        "--conf",
        action="append",
        default=[],
        metavar="K=V",
        help="A param and its value, as JSON or as text; or @FILE with a JSON object. Can be repeated.",
    ),
    _argument("--key", help="Makes the command idempotent: the same key and conf give the same run."),
    _argument("--priority", type=int, help="A higher priority starts first."),
    _argument("--note", help="A note of the run, shown in Airflow's UI."),
    _argument("--not-before", metavar="TIME", help="The earliest start: a time (ISO 8601), or a duration from now."),
    *UNTIL_END,
)
LIST = (
    SOME_JOB,
    _argument("--search", metavar="TEXT", help="Jobs: a part of the id or of the description."),
    _argument("--tag", help="Jobs: only those with this tag."),
    _argument("--active", action="store_true", help="Jobs: only those with queued or running runs."),
    _argument("--state", action="append", default=[], choices=STATES, help="Runs: only this state. Can be repeated."),
    _argument("--limit", type=positive, default=50, help="The largest number of entries (default: 50)."),
)
WATCH = (
    _argument("--search", metavar="TEXT", help="A part of the id or of the description."),
    _argument("--interval", type=float, default=2.0, metavar="SECONDS", help="Time between updates (default: 2)."),
    _argument("--times", type=positive, metavar="N", help="End after N updates (default: until Ctrl-C)."),
)
TREE = (
    RUN,
    _argument("--state", choices=SUBTASK_STATES, help="Only subtasks in this state."),
    _argument("--step", help="Only this step."),
    _argument("--text", help="Only subtasks with this text in the key or the payload."),
    _argument("--limit", type=positive, default=1000, help="The largest number of subtasks (default: 1000)."),
)
CANCEL = (
    RUN,
    _argument("--reason", default="", help="Shown with the run."),
    _argument("--grace", metavar="DURATION", help="Time in which running work may clean up before it is killed."),
    _argument("--wait", action="store_true", help="Wait until the run has ended."),
)
RETRY = (
    RUN,
    _argument("--key", action="append", metavar="KEY", help="Only this subtask. Can be repeated."),
    *UNTIL_END,
)
PRIORITY = (RUN, _argument("--to", type=int, required=True, metavar="N", help="A higher priority starts first."))
PARALLELISM = (
    RUN,
    _argument("--to", type=positive, metavar="N", help="The number of subtasks (default: that of the spec)."),
)
LOGS = (
    LOG,
    _argument("--follow", "-f", action="store_true", help="Go on until the run, or the subtask, has ended."),
    _argument("--step", help="The step of the subtask (default: the last one that it reached)."),
    _argument("--attempt", type=int, help="The attempt of the subtask (default: the latest)."),
)
TEST = (
    _argument(
        "job", metavar="JOB|PATH", help="The id of a job, or the path of its spec or of a DAG file with one job."
    ),
    _argument(
        "-c", dest="conf", action="append", default=[], metavar="K=V", help="A param and its value. Can be repeated."
    ),
    _argument("--conf", dest="json", metavar="JSON", help="The params as a JSON object; -c overrides them."),
    _argument(
        "--isolated",
        action="store_true",
        help="Each piece of work in a process of its own, with its time limits; breakpoints do not work then.",
    ),
    _argument("--delays", action="store_true", help="Wait before a retry as long as the spec requires."),
    _argument("-o", "--output", choices=("table", "json"), default="table", help="Output (default: table)."),
)
NEW = (
    _argument("name", metavar="NAME", help="The id of the new job, also the name of its module: my_job."),
    _argument("--folder", metavar="PATH", help="The DAG folder (default: dags, or this one if it has jobs)."),
)

COMMANDS = (
    Command("submit", "Submit a run of a job", "submit:submit", (*SUBMIT, *COMMON)),
    Command(
        "status",
        "Show a run: its state, place in the queue, progress, result",
        "show:status",
        (RUN, *UNTIL_END, *COMMON),
    ),
    Command("list", "List the jobs, or the runs of one job", "show:list_all", (*LIST, *COMMON)),
    Command("watch", "Show a live table of all jobs", "watch:watch", (*WATCH, *COMMON)),
    Command("tree", "Show the subtasks of a run as a tree", "tree:tree", (*TREE, *COMMON)),
    Command("logs", "Print the logs of a run, or of one subtask", "logs:logs", (*LOGS, *COMMON)),
    Command("cancel", "Cancel a run", "control:cancel", (*CANCEL, *COMMON)),
    Command("retry", "Run again what failed or was skipped in an ended run", "control:retry", (*RETRY, *COMMON)),
    Command("priority", "Change the priority of a queued run", "control:priority", (*PRIORITY, *COMMON)),
    Command(
        "parallelism",
        "Change how many subtasks of an active run may run at the same time",
        "control:parallelism",
        (*PARALLELISM, *COMMON),
    ),
    Command("new", "Write a commented spec and a module of a new job, which run", "new_job:new", NEW),
    Command("test", "Run a job in this process, without Airflow's servers", "try_job:test", TEST),
    Command("pause", "Pause a job: no run of it starts", "control:pause", (JOB, *COMMON)),
    Command("resume", "Resume a paused job", "control:resume", (JOB, *COMMON)),
    Command(
        "agents",
        "Serve the Model Context Protocol to an agent over stdin and stdout",
        "agents:agents",
        CONNECTION,
        description=(
            "Serves tools that submit, watch and cancel runs, with the permissions of one user, until stdin is closed. "
            "Requires airflow-mcp-provider[agents]."
        ),
    ),
)
"""The commands of ``mcp-jobs`` and of ``airflow mcp``."""

OWN_COMMANDS = (
    Command("token", "Print a token for --user, for AIRFLOW_CLI_TOKEN", "control:token", COMMON),
    Command(
        "completion",
        "Print the code that completes commands, jobs and runs in a shell",
        "complete:completion",
        (_argument("shell", choices=("bash", "zsh", "fish"), help='For example: eval "$(mcp-jobs completion bash)"'),),
    ),
)
"""The commands of ``mcp-jobs`` alone."""
