// The tab Subtasks of a run.

import { register } from "./lib/entry.js";
import { RunTab } from "./run/tab.js";

register("Subtasks", RunTab);
