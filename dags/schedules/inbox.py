"""A queue directory: a file that lies in it is work; it is moved to ``done/`` when the work is finished."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airflow_mcp_provider.runtime import Outcome

FOLDER = "/tmp/mcp-inbox"  # noqa: S108 - an example; INBOX names another one


def waiting() -> dict[str, str] | None:
    """Return the conf of a run, or nothing while no file waits. Called by the triggerer, so it must be quick."""
    folder = Path(os.environ.get("INBOX", FOLDER))
    return {"folder": str(folder)} if any(_files(folder)) else None


def plan(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a subtask for each file that waits now; a later file is for the next run."""
    return [{"file": path.name} for path in sorted(_files(Path(params["folder"])))]


def count(subtask: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, int]:
    """Count the words of a file, and move it to ``done/``. A second attempt finds it there."""
    folder = Path(params["folder"])
    done = folder / "done" / subtask["file"]
    done.parent.mkdir(exist_ok=True)
    path = folder / subtask["file"]
    words = len((path if path.exists() else done).read_text(errors="replace").split())
    if path.exists():
        path.rename(done)
    return {"words": words}


def total(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return the number of files and words of the run."""
    words = [outcome.result["words"] for outcome in outcomes if outcome.status == "success"]
    return {"files": len(words), "words": sum(words)}


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else ()
