// Texts of people: always children of React, each with a direction of its own, long ones cut until somebody asks.

import { runPath } from "../lib/links.js";
import { Box, Button, Heading, PageLink, h, useId, useState } from "../lib/react.js";

// Two code units can be one character: never end between them.
const cut = (text, most) => text.slice(0, /[\uD800-\uDBFF]/.test(text[most - 1]) ? most - 1 : most);

export const Words = ({ text, most = 300, ...more }) => {
  const [whole, setWhole] = useState(false);
  const id = useId();
  const long = text.length > most * 1.1;
  const looks = { as: "span", dir: "auto", overflowWrap: "anywhere", whiteSpace: "pre-wrap", ...more };
  const shown = h(Box, { id, key: "text", ...looks }, long && !whole ? `${cut(text, most)}…` : text);
  if (!long) return shown;
  const label = whole ? "Show less" : `Show all ${text.length.toLocaleString("en")} characters`;
  const toggle = { size: "2xs", variant: "ghost", ms: 1, "aria-expanded": whole, "aria-controls": id };
  return [shown, h(Button, { key: "toggle", ...toggle, onClick: () => setWhole(!whole) }, label)];
};

// The lines of an error or a spec, as they were written.
export const Lines = ({ children, ...more }) => {
  const looks = { as: "pre", dir: "ltr", fontFamily: "mono", fontSize: "xs", whiteSpace: "pre", overflow: "auto", m: 0 };
  return h(Box, { ...looks, bg: "bg.subtle", borderWidth: 1, borderRadius: "md", p: 2, ...more }, children);
};

// A part of the page. Its heading takes the focus when what had it is gone: see lib/action.js.
export const Section = ({ title, aside, children, ...more }) => {
  const id = useId();
  const heading = h(Heading, { as: "h2", size: "md", id, tabIndex: -1 }, title);
  const top = h(Box, { display: "flex", justifyContent: "space-between", alignItems: "center", gap: 2, mb: 1 }, heading, aside);
  return h(Box, { as: "section", "aria-labelledby": id, pt: 3, ...more }, top, children);
};

export const RunLink = ({ job, run, ...more }) =>
  h(PageLink, { to: runPath(job, run), overflowWrap: "anywhere", ...more }, h("bdi", null, run));

export const Person = ({ name }) => (name ? h(Words, { text: name, most: 60 }) : "–");
