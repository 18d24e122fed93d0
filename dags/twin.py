"""The job ``jobs/matrix.yaml`` again, built in Python: the same Airflow DAG under another id."""

from airflow_mcp_provider.dag import Items, JobSpec, Retries, ShellWork, Subtasks, Timeouts, build_dag

PACK = """\
set -eu
packed=$(mktemp)
trap 'rm -f "$packed"' EXIT
"$MCP_SUBTASK_PROGRAM" "-$MCP_SUBTASK_LEVEL" <"$MCP_PARAM_FILE" >"$packed"
wc -c <"$packed"
"""
SUM_UP = """\
python3 - <<'END'
import json, os
outcomes = map(json.loads, open(os.environ["MCP_SUBTASK_OUTCOMES"]))
sizes = {outcome["key"]: outcome["result"] for outcome in outcomes if outcome["status"] == "success"}
best = sorted(sizes.items(), key=lambda entry: (entry[1], entry[0]))
size = os.path.getsize(os.environ["MCP_PARAM_FILE"])
print(json.dumps({"bytes": size, "best": [{"how": how, "bytes": packed} for how, packed in best]}))
END
"""

twin = build_dag(
    JobSpec(
        id="twin",
        description="Which compressor, at which level, for my file - every combination is a subtask, in YAML alone.",
        tags=["example", "shell"],
        params={
            "file": {
                "type": "string",
                "pattern": "^/",
                "title": "File",
                "description": "From / on, as the runners see it.",
            }
        },
        plan=Items(items={"matrix": {"program": ["gzip", "bzip2", "xz"], "level": [1, 6, 9]}}),
        run=ShellWork(shell=PACK),
        report=ShellWork(shell=SUM_UP),
        subtasks=Subtasks(key="{program} -{level}", parallelism=4),
        retries=Retries(attempts=4, delay="5s", never_on=["CommandFailed"]),
        timeouts=Timeouts(hard="1h"),
    )
)
