// Airflow's own form for a new run. It has no address: the button on the DAG's page opens it.

import { dagPath } from "./links.js";
import { Button, h, useNavigate } from "./react.js";

const BUTTON = '[data-testid="trigger-dag-button"]';
const [LOOK, MOST] = [100, 50]; // every 100 ms, for 5 s

const press = (left = MOST) => {
  const found = document.querySelector(BUTTON);
  if (found) found.click();
  else if (left > 0) setTimeout(() => press(left - 1), LOOK); // the page of the DAG is still loading
};

// Goes to the page of the DAG, and opens the form.
export const TriggerButton = ({ job }) => {
  const navigate = useNavigate();
  const open = () => {
    navigate(dagPath(job));
    press();
  };
  return h(Button, { size: "xs", variant: "outline", "aria-label": `Trigger ${job}`, onClick: open }, "Trigger");
};
