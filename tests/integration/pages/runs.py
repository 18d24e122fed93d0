"""A run with subtasks, which a test lets grow: answers as the HTTP API gives them, made with the models of the client."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from airflow_mcp_provider.client.models import (
    Links,
    Progress,
    Run,
    RunState,
    StepProgress,
    Subtask,
    Subtasks,
    SubtaskState,
)
from tests.integration.browser.screen_reader import listen
from tests.integration.pages.documents import ago

JOB, RUN = "crawl", "manual__1"
PATH = f"jobs/{JOB}/runs/{RUN}"
TAB = f"/dags/{JOB}/runs/{RUN}/plugin/mcp-run"


def subtask(key: str, state: SubtaskState = SubtaskState.SUCCEEDED, **more: Any) -> Subtask:
    started = None if state in {SubtaskState.WAITING, SubtaskState.SKIPPED} else ago(60)
    ended = ago(30) if started and state is not SubtaskState.RUNNING else None
    given = {
        "key": key,
        "step": "run",
        "state": state,
        "parent": None,
        "depth": 0,
        "children": 0,
        "attempt": 0 if started is None else 1,
        "attempts": [],
        "started": started,
        "ended": ended,
        "fraction": None,
        "message": None,
        "payload": {"url": f"https://example.com/{key}"},
        "result": {"pages": 1} if state is SubtaskState.SUCCEEDED else None,
        "error": None,
        "task": "run",
        "map_index": 0,
        "log": f"/job-control/v1/{PATH}/subtasks/{key}/logs",
        "ui": f"/dags/{JOB}/runs/{RUN}/tasks/run/mapped/0",
        **more,
    }
    return Subtask(**given)


@dataclass
class PlayedRun:
    """The run: `fields` are those of its document that differ; `subtasks` in the order of their places."""

    subtasks: list[Subtask] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)

    def serve(self, ui: Any) -> PlayedRun:
        ui.get(PATH, lambda _: self.document().model_dump(mode="json"))
        ui.get(f"{PATH}/subtasks", lambda request: self.page(request).model_dump(mode="json"))
        ui.get(f"{PATH}/subtasks/-", lambda request: self.one(request).model_dump(mode="json"))
        return self

    def one(self, request: Any) -> Subtask:
        (key,) = request.query["key"]
        return next(one for one in self.subtasks if one.key == key)

    def document(self) -> Run:
        state = self.fields.get("state", RunState.RUNNING)
        given = {
            "job": JOB,
            "run": RUN,
            "state": state,
            "done": state.done,
            "position": None,
            "reason": None,
            "priority": 0,
            "submitter": "anna",
            "conf": {"depth": 2},
            "submitted": ago(90),
            "not_before": None,
            "started": ago(80),
            "ended": ago(5) if state.done else None,
            "progress": self.progress(),
            "result": None,
            "error": None,
            "note": None,
            "links": Links(**dict.fromkeys(Links.model_fields, "/")),
        }
        return Run(**{**given, **self.fields})

    def progress(self) -> Progress:
        counts = Counter(one.state for one in self.subtasks)
        numbers = {state.value: counts[state] for state in SubtaskState}
        ended = counts[SubtaskState.SUCCEEDED] + counts[SubtaskState.FAILED] + counts[SubtaskState.SKIPPED]
        return Progress(
            known=len(self.subtasks),
            done=counts[SubtaskState.SUCCEEDED],
            failed=counts[SubtaskState.FAILED],
            skipped=counts[SubtaskState.SKIPPED],
            running=counts[SubtaskState.RUNNING],
            fraction=ended / len(self.subtasks) if self.subtasks else None,
            rate=0.25,
            eta=ago(-180),
            message="reading page 7",
            steps=[StepProgress(step="run", known=len(self.subtasks), **numbers)],
        )

    def page(self, request: Any) -> Subtasks:
        query = {name: values[0] for name, values in request.query.items()}
        start, limit = int(query.get("cursor") or 0), int(query["limit"])
        found = [
            (place, one)
            for place, one in enumerate(self.subtasks)
            if place >= start
            and query.get("parent") in {None, one.parent or ""}
            and query.get("state") in {None, "", one.state}
            and query.get("step") in {None, "", one.step}
            and query.get("text", "") in one.key
        ]
        more = str(found[limit][0]) if len(found) > limit else None
        return Subtasks(subtasks=[one for _, one in found[:limit]], next=more)


def open_tab(page: Any, ui: Any, run: PlayedRun) -> Any:
    """Open the tab Subtasks on a run; gives it when it is there."""
    run.serve(ui)
    page.goto(f"{ui.url}{TAB}")
    found = page.get_by_test_id("mcp-run")
    found.wait_for()
    listen(page)
    return found
