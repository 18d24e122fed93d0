// Airflow's own form for a new run. It has no address: the button on the DAG's page opens it.

import { dagPath } from "./links.js";
import { Button, h, useNavigate } from "./react.js";

const BUTTON = '[data-testid="trigger-dag-button"]';
const [LOOK, MOST] = [100, 50]; // every 100 ms, for 5 s

// The page of the DAG is still loading. Where the reader has gone on to another page meanwhile, nothing is pressed.
const press = (path, left = MOST) => {
  const found = document.location.pathname.endsWith(path) && document.querySelector(BUTTON);
  if (found) found.click();
  else if (left > 0) setTimeout(() => press(path, left - 1), LOOK);
};

// Goes to the page of the DAG, and opens the form.
export const TriggerButton = ({ job }) => {
  const navigate = useNavigate();
  const open = () => {
    const path = dagPath(job);
    navigate(path);
    press(path);
  };
  return h(Button, { size: "xs", variant: "outline", "aria-label": `Trigger ${job}`, onClick: open }, "Trigger");
};
