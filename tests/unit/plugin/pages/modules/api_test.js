import { equal, test } from "./check.js";
import { at, get, parsed } from "../static/lib/api.js";

globalThis.document ??= { baseURI: "http://airflow.example/some/path/" };

// Do something while `fetch` is another function.
const instead = async (fetched, body) => {
  const before = globalThis.fetch;
  globalThis.fetch = fetched;
  try {
    return await body();
  } finally {
    globalThis.fetch = before;
  }
};

const errorOf = (fetched) => instead(fetched, () => get("jobs").catch((error) => [error.name, error.status, Boolean(error.final), error.message]));

test("each value of a path is one part of it", () => {
  equal(at`jobs/${"a/b"}/runs/${"?#+% é"}`, "jobs/a%2Fb/runs/%3F%23%2B%25%20%C3%A9");
});

test("numbers that JavaScript has not are kept as they were written, where the browser can", () => {
  const text = '{"id": 12345678901234567890, "far": 1e400, "near": 1234567890123456, "half": 0.1234567890123456789}';
  const value = parsed(text);
  equal([value.near, value.half], [1234567890123456, 0.12345678901234568]);
  const exact = ["12345678901234567890", "1e400"];
  equal([value.id, value.far].map((one) => JSON.stringify(one)), JSON.rawJSON ? exact : ["12345678901234567000", "null"]);
});

test("what has no answer in JSON is an error that a page can show", async () => {
  const page = () => Promise.resolve(new Response("<html>log in</html>"));
  const found = [await errorOf(page), await errorOf(() => Promise.reject(new TypeError("no network")))];
  equal(found.map((one) => one.slice(0, 3)), [["ApiError", 0, false], ["ApiError", 0, false]]);
  equal(found[1][3], "the API server cannot be reached");
});

test("a connection that ends within an answer is one that cannot be reached", async () => {
  const cut = () => Promise.resolve({ ok: true, status: 200, text: () => Promise.reject(new TypeError("cut")) });
  equal(await errorOf(cut), ["ApiError", 0, false, "the API server cannot be reached"]);
});

test("a request that nothing answers ends, and says so", async () => {
  const never = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      equal(signal instanceof AbortSignal, true);
      reject(new DOMException("late", "TimeoutError"));
    });
  equal(await errorOf(never), ["ApiError", 0, false, "the API server has not answered within 60 s"]);
});

test("a request that the page has given up is no error of the server", async () => {
  const gone = new AbortController();
  gone.abort();
  const name = await instead(
    (_, { signal }) => Promise.reject(signal.reason),
    () => get("jobs", { signal: gone.signal }).catch((error) => error.name),
  );
  equal(name, "AbortError");
});
