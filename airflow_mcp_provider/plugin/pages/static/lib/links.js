// Addresses inside Airflow's UI, for PageLink and StateSquare. tests/unit/plugin/pages/test_pages_contract.py looks for
// their parts in the installed UI.

export const dagPath = (job) => `/dags/${encodeURIComponent(job)}`;
export const jobPath = (job, tabs = true) => (tabs ? `${dagPath(job)}/plugin/mcp-job` : dagPath(job));
export const runPath = (job, run, tabs = true) =>
  `${dagPath(job)}/runs/${encodeURIComponent(run)}${tabs ? "/plugin/mcp-run" : ""}`;
