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
