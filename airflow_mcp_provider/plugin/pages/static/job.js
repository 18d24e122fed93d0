// The tab Job on the page of a DAG.

import { useChange } from "./lib/action.js";
import { at, get } from "./lib/api.js";
import { register } from "./lib/entry.js";
import { Before, ErrorBox, Page } from "./lib/parts.js";
import { usePoll } from "./lib/poll.js";
import { Box, Fragment, h } from "./lib/react.js";
import { History } from "./job/history.js";
import { Overview } from "./job/overview.js";
import { Params } from "./job/params.js";
import { Queue } from "./job/queue.js";
import { Schedule } from "./job/schedule.js";
import { Spec } from "./job/spec.js";

const [OFTEN, SELDOM] = [5000, 15_000];

const Parts = ({ job, refresh }) => {
  const { ask, dialog } = useChange(refresh);
  return h(
    Fragment,
    null,
    h(Overview, { job, ask }),
    h(Queue, { job, ask }),
    h(Schedule, { job }),
    h(History, { job }),
    h(Params, { params: job.params }),
    h(Spec, { job }),
    dialog,
  );
};

const Job = ({ dagId }) => {
  const load = (signal) => get(at`jobs/${dagId}`, { signal });
  const every = (job) => (job.holder || job.queued ? OFTEN : SELDOM);
  const poll = usePoll(load, { key: dagId, every });
  if (!poll.data) return h(Before, { poll, label: "Loading the job" });
  return h(
    Page,
    { heading: ["Job ", h("bdi", { key: "name" }, dagId)], testId: "mcp-job" },
    poll.error && h(ErrorBox, { error: poll.error, onRetry: poll.refresh, kept: true }),
    h(Box, { minW: 0 }, h(Parts, { job: poll.data, refresh: poll.refresh })),
  );
};

register("Job", Job);
