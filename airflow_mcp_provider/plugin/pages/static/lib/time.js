// Times in the reader's zone, and durations. The zone is that of Airflow's UI, which each reader can choose there.

import { h, useSyncExternalStore } from "./react.js";

const ZONE_KEY = "timezone"; // of Airflow's UI, in localStorage
const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];
const YEAR = 365 * DAY;

export const zone = () => {
  try {
    const found = JSON.parse(localStorage.getItem(ZONE_KEY) ?? "null");
    if (found) return formatter(found).resolvedOptions().timeZone;
  } catch {
    // No zone was chosen, or one that this browser does not know.
  }
  return formatter().resolvedOptions().timeZone;
};

// 2026-01-31 23:59:59: as in the rest of Airflow's UI. The Swedish form is the one of ISO 8601.
// One formatter a zone: a page shows hundreds of times, and to make a formatter takes longer than to use it.
const formatters = new Map();
const formatter = (timeZone) => {
  if (!formatters.has(timeZone)) {
    formatters.set(timeZone, new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone }));
  }
  return formatters.get(timeZone);
};
export const written = (value) => formatter(zone()).format(new Date(value));

export const Time = ({ value, ...more }) =>
  value
    ? h("time", { dateTime: value, title: `${written(value)} ${zone()}`, ...more }, written(value))
    : h("span", more, "–");

// "<1s", "42s", "3m 05s", "2h 10m", "3d 4h", "2y 10d": the two largest parts.
export const duration = (seconds) => {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 1) return "<1s";
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m ${two(whole % MINUTE)}s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)}h ${two(Math.floor((whole % HOUR) / MINUTE))}m`;
  if (whole < YEAR) return `${Math.floor(whole / DAY)}d ${Math.floor((whole % DAY) / HOUR)}h`;
  return `${Math.floor(whole / YEAR)}y ${Math.floor((whole % YEAR) / DAY)}d`;
};

// Seconds from one time to another; null where one is missing. Without `until`: to now.
export const between = (since, until = new Date()) => (since && until ? (new Date(until) - new Date(since)) / 1000 : null);

// One clock for all that shows how long ago something was; it stands still while the tab is hidden.
const watchers = new Set();
let [now, ticking] = [Date.now(), 0];
const tick = () => {
  if (document.hidden) return;
  now = Date.now();
  for (const one of watchers) one();
};
const subscribe = (watcher) => {
  watchers.add(watcher);
  if (!ticking) {
    now = Date.now();
    ticking = setInterval(tick, 1000);
  }
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) ticking = clearInterval(ticking) ?? 0;
  };
};
export const useNow = () => useSyncExternalStore(subscribe, () => now);

const spoken = (value, text, more) => h("time", { dateTime: value, title: `${written(value)} ${zone()}`, ...more }, text);

// How long it is since a time, without "ago": "42s".
export const Elapsed = ({ since, ...more }) => {
  const at = useNow();
  return since ? spoken(since, duration(between(since, at)), more) : h("span", more, "–");
};

// "42s ago", or "in 3m 05s".
export const Ago = ({ value, ...more }) => {
  const at = useNow();
  if (!value) return h("span", more, "–");
  const seconds = between(value, at);
  return spoken(value, seconds < 0 ? `in ${duration(-seconds)}` : `${duration(seconds)} ago`, more);
};
