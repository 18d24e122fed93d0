"""The route of the files of the pages in Airflow's UI (``plugin.pages``): for each user who is logged in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Response

from airflow_mcp_provider.plugin.http_api import etags
from airflow_mcp_provider.plugin.http_api.airflow_internals import GetUserDep
from airflow_mcp_provider.plugin.http_api.problems import not_found
from airflow_mcp_provider.plugin.pages import files

router = APIRouter(include_in_schema=False)
KEPT = "private, max-age=31536000, immutable"
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]


@router.get("/pages/{name:path}")
def read_file(name: str, _: GetUserDep, if_none_match: IfNoneMatch = None) -> Response:
    """Return a file. Its address has the version of all files, so a browser keeps it: another release has others."""
    if (file := files.find(name)) is None:
        raise not_found(f"file {name[:200]} of the pages (version {files.version()})")
    headers = {"ETag": file.etag, "Cache-Control": KEPT, "X-Content-Type-Options": "nosniff"}
    if etags.names(if_none_match, file.etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(file.content, headers=headers, media_type=file.media_type)
