// Addresses inside Airflow's UI, for PageLink and StateSquare. tests/unit/plugin/pages/test_pages_contract.py looks for
// their parts in the installed UI.

// As Airflow's own links have them: with `:` and `+` encoded, its tabs do not see that they are open.
const part = (text) => encodeURIComponent(text).replaceAll("%3A", ":").replaceAll("%2B", "+");

export const dagPath = (job) => `/dags/${part(job)}`;
export const jobPath = (job, tabs = true) => (tabs ? `${dagPath(job)}/plugin/mcp-job` : dagPath(job));
export const runPath = (job, run, tabs = true) =>
  `${dagPath(job)}/runs/${part(run)}${tabs ? "/plugin/mcp-run" : ""}`;
export const logPath = (job, run, task) => `${runPath(job, run, false)}/tasks/${part(task)}`;
