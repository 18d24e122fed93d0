// Values in the address of a page, after `?`: a link, a reload and the browser's Back show the same.

export const readValues = (params, names) => Object.fromEntries(names.map((name) => [name, params.get(name) ?? ""]));

// An empty value is left out.
export const withValues = (params, values) => {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(values)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return next;
};

// What the browser shows: the router may have an older one, see `write`.
export const here = () => new URLSearchParams(location.search);

// Not by the router: at the first change that it makes, Airflow's UI mounts the page anew, and the focus, and what is
// being typed, are lost.
export const write = (values) => {
  const params = withValues(here(), values).toString();
  history.replaceState(history.state, "", `${location.pathname}${params && `?${params}`}${location.hash}`);
};
