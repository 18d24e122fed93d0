// Requests to the HTTP API of jobs. Addresses are relative to the base of Airflow's UI, which may be below a path.

const ROOT = "job-control/v1/";
const JSON_TYPE = "application/json";
const PATIENCE = 60_000; // ms

// What a request was refused with: the fields of application/problem+json. `status` is 0 without an answer.
export class ApiError extends Error {
  constructor({ status, type, title, detail }) {
    super(detail);
    this.name = "ApiError";
    Object.assign(this, { status, type, title, detail });
  }

  // The stable word at the end of the type, for example `forbidden`.
  get word() {
    return this.type.slice(this.type.lastIndexOf(":") + 1);
  }

  // Whether the same request would be refused again, until a person changes something.
  get final() {
    return [401, 403, 404, 410, 422].includes(this.status);
  }
}

// A path with each value encoded: at`jobs/${job}/runs/${run}`.
export const at = (texts, ...values) => String.raw({ raw: texts }, ...values.map(encodeURIComponent));

// The address of a path; a value of `query` that is undefined or null is left out, a list is repeated.
export const address = (path, query = {}) => {
  const found = new URL(ROOT + path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null) found.searchParams.append(name, one);
    }
  }
  return found;
};

const problem = async (answer) => {
  const text = await answer.text();
  let found = {};
  try {
    found = JSON.parse(text);
  } catch {
    // A proxy answers with a page of its own.
  }
  const detail = typeof found?.detail === "string" ? found.detail : `${answer.status} ${answer.statusText}`;
  return new ApiError({ status: answer.status, type: String(found?.type ?? ""), title: String(found?.title ?? ""), detail });
};

// The largest whole numbers, and those above 1e308, are others in JavaScript: they are kept as they were written, where the
// browser can do that. `value` and `plainText` in run/values.js show them.
const INEXACT = /\d{16}|\d[eE]\+?\d{3}/;
const isExact = (value) => typeof value !== "number" || (Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value));
const asWritten = (_, value, context) => (isExact(value) || !context?.source ? value : JSON.rawJSON(context.source));
export const parsed = (text) => (INEXACT.test(text) && JSON.rawJSON ? JSON.parse(text, asWritten) : JSON.parse(text));

// A proxy that asks for a login answers 200 with its page.
const notJson = (error) => {
  if (error.name !== "SyntaxError") throw notReached(error);
  throw new ApiError({ status: 0, type: "", title: "No answer", detail: "The answer is not JSON. Load the page again: a proxy may ask for a login" });
};

const NOT_REACHED = "the API server cannot be reached";
const TOO_LATE = `the API server has not answered within ${PATIENCE / 1000} s`;
const notReached = (error) => {
  if (error.name === "AbortError") return error;
  return new ApiError({ status: 0, type: "", title: "No answer", detail: error.name === "TimeoutError" ? TOO_LATE : NOT_REACHED });
};

const request = async (where, options) => {
  const answer = await fetch(where, { credentials: "same-origin", ...options }).catch((error) => {
    throw notReached(error);
  });
  if (!answer.ok) throw await problem(answer);
  return answer.status === 204 ? null : answer.text().then(parsed).catch(notJson);
};

// A request that nothing answers would hold up its poll: after a computer has slept its connections may be gone.
const limited = (signal) => {
  const limit = AbortSignal.timeout(PATIENCE);
  return signal ? AbortSignal.any([signal, limit]) : limit;
};

// `no-cache`: the browser sends the ETag of its copy, and an unchanged document is not sent again.
export const get = (path, { signal, query } = {}) =>
  request(address(path, query), { headers: { Accept: JSON_TYPE }, cache: "no-cache", signal: limited(signal) });

// The one way to change something. A form of another site cannot send this type.
export const post = (path, body = {}) =>
  request(address(path), {
    method: "POST",
    headers: { Accept: JSON_TYPE, "Content-Type": JSON_TYPE },
    body: JSON.stringify(body),
  });
