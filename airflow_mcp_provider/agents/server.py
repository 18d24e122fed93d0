"""The server of the Model Context Protocol, for both transports: what ``tools`` has, as the SDK needs it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import anyio
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from airflow_mcp_provider.agents import job_tools
from airflow_mcp_provider.agents.api import Api
from airflow_mcp_provider.agents.arguments import SubmitJob, SubmitOwn, checked
from airflow_mcp_provider.agents.errors import shown
from airflow_mcp_provider.agents.results import Result
from airflow_mcp_provider.agents.runs import submit_job
from airflow_mcp_provider.agents.shorten import dumped
from airflow_mcp_provider.agents.tools import INSTRUCTIONS, TOOLS, Tool, call
from airflow_mcp_provider.client.models import Job
from airflow_mcp_provider.errors import RequestFailed, ServerUnavailable

NAME = "airflow-mcp-provider"
MOST_S = 58
"""The longest call: clients give up after 60 s by default, and then do not know what to do next."""
Context = ServerRequestContext[Any, Any]
ApiOf = Callable[[Context], Api]
"""Returns the HTTP API with the credentials of the caller of a request."""

log = logging.getLogger(__name__)


def build(api_of: ApiOf) -> Server[Any]:
    """Return a server."""

    async def list_tools(context: Context, _: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        own = [_own_tool(job) for job in await job_tools.tagged(api_of(context))]
        return types.ListToolsResult(tools=[*_fixed_tools(), *own])

    async def call_tool(context: Context, request: types.CallToolRequestParams) -> types.CallToolResult:
        return await _called(api_of(context), request.name, request.arguments)

    return Server(
        NAME,
        title="Jobs on Apache Airflow",
        version=version(NAME),
        instructions=INSTRUCTIONS,
        # No argument of a tool is in a header: the SDK would list the tools for each call to look for one.
        get_tool_input_schema=lambda _: None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _called(api: Api, name: str, given: Mapping[str, Any] | None) -> types.CallToolResult:
    try:
        with anyio.fail_after(MOST_S):
            found = await _result(api, name, given)
    except RequestFailed as error:
        return _answer(shown(error), is_error=True)
    except TimeoutError:
        late = ServerUnavailable(f"no result after {MOST_S} s; the server is busy", url=name, next_step="")
        return _answer(shown(late), is_error=True)
    except MCPError:
        raise
    except Exception:
        log.exception("tool %s", name)
        return _answer({"error": {"kind": "unexpected", "detail": "unexpected error; see the log"}}, is_error=True)
    return _answer(found.dump())


async def _result(api: Api, name: str, given: Mapping[str, Any] | None) -> Result:
    if name in TOOLS:
        return await call(api, name, given)
    if (job := job_tools.job_of(name)) is not None:
        own = checked(SubmitOwn, name, given)
        return await submit_job(api, SubmitJob(job=job, params=own.params, key=own.key))
    raise MCPError(types.INVALID_PARAMS, f"unknown tool {name!r:.80}; expected one of: {', '.join(TOOLS)}")


def _answer(found: dict[str, Any], *, is_error: bool = False) -> types.CallToolResult:
    text = types.TextContent(type="text", text=dumped(found))
    return types.CallToolResult(content=[text], structured_content=found, is_error=is_error)


def _fixed_tools() -> list[types.Tool]:
    return [
        types.Tool(
            name=name,
            title=tool.title,
            description=tool.description,
            input_schema=_plain(tool.arguments.model_json_schema()),
            output_schema=_plain(tool.result.model_json_schema()),
            annotations=_annotations(tool),
        )
        for name, tool in TOOLS.items()
    ]


def _annotations(tool: Tool) -> types.ToolAnnotations:
    return types.ToolAnnotations(
        read_only_hint=not tool.changes,
        destructive_hint=tool.destructive,
        idempotent_hint=tool.idempotent,
        open_world_hint=tool.outside,
    )


def _own_tool(job: Job) -> types.Tool:
    submit = TOOLS["submit_job"]
    return types.Tool(
        name=f"{job_tools.PREFIX}{job.job}",
        title=f"{submit.title} of {job.job}",
        description=job_tools.description(job),
        input_schema=job_tools.schema(job),
        output_schema=_plain(submit.result.model_json_schema()),
        annotations=_annotations(submit),
    )


def _plain(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a schema without the titles that pydantic adds."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    added = {"title"} if isinstance(schema.get("title"), str) else set()
    return {name: _plain(value) for name, value in schema.items() if name not in added}
