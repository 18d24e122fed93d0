// What the run was asked for, and what its report made of it.

import { Box, Heading, Text, h } from "../lib/react.js";
import { Empty } from "../lib/parts.js";
import { Value } from "./value_view.js";

const WITHOUT = "No report ran, it returned nothing, or you may not read XComs of this DAG.";

const Result = ({ run }) => {
  if (run.result !== null && run.result !== undefined) return h(Value, { value: run.result, label: "Result" });
  if (!run.done) return h(Empty, { title: "No result yet" }, "It is here when the report of the run has ended.");
  return h(Empty, { title: "No result" }, WITHOUT);
};

export const Outcome = ({ run }) =>
  h(
    Box,
    { overflow: "auto", minH: 0, "data-testid": "result" },
    h(Result, { run }),
    h(Heading, { as: "h3", size: "sm", mt: 4, mb: 1 }, "Params of the run"),
    Object.keys(run.conf).length > 0 ? h(Value, { value: run.conf, label: "Params" }) : h(Text, { color: "fg.muted" }, "No params were given."),
  );
