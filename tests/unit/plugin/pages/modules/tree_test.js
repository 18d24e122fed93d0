import { equal, test } from "./check.js";
import { Server, roots, shown, subtask } from "./subtasks.js";
import { onKey } from "../static/run/keys.js";
import { movedBy, pagesIn, replacePages } from "../static/run/tree.js";
import { drawn, revealed } from "../static/lib/view_range.js";

const grown = () => {
  const server = new Server([
    subtask("a", { children: 2, state: "succeeded" }),
    subtask("b", { state: "running" }),
    subtask("a1", { parent: "a", children: 1, state: "succeeded" }),
    subtask("a2", { parent: "a" }),
    subtask("a11", { parent: "a1" }),
  ]);
  return { server, store: server.store() };
};

const opened = async () => {
  const { server, store } = grown();
  await store.look(0, 10);
  await store.toggle(store.current().rows[0]);
  await store.toggle(store.current().rows[1]);
  return { server, store };
};

test("nothing is read before the view asks", async () => {
  const { server, store } = grown();
  equal(shown(store), ["1 more"]);
  equal(server.asked.length, 0);
  await store.look(0, 10);
  equal(shown(store), ["1 a", "1 b"]);
});

test("children are read when their parent is opened, and stay read when it is closed", async () => {
  const { server, store } = await opened();
  equal(shown(store), ["1 a", "2 a1", "3 a11", "2 a2", "1 b"]);
  equal(server.asked.map((one) => one.parent), ["", "a", "a1"]);
  await store.toggle(store.current().rows[0]);
  equal(shown(store), ["1 a", "1 b"]);
  await store.toggle(store.current().rows[0]);
  equal(shown(store), ["1 a", "2 a1", "3 a11", "2 a2", "1 b"]);
  equal(server.asked.length, 3);
});

test("a page is read when its place comes into view, once", async () => {
  const server = new Server(roots(250));
  const store = server.store();
  await Promise.all([store.look(0, 20), store.look(0, 20)]);
  equal([server.asked.length, store.current().rows.length], [1, 101]);
  await store.look(60, 80);
  equal(server.asked.length, 1);
  await store.look(90, 110);
  await store.look(190, 210);
  await store.look(230, 250);
  equal([server.asked.length, store.current().rows.length], [3, 250]);
  equal(store.current().rows.at(-1).size, 250);
});

test("new subtasks appear, open ones stay open, and only what may change is asked", async () => {
  const { server, store } = await opened();
  server.subtasks[1] = subtask("b", { state: "succeeded" });
  server.subtasks.push(subtask("c"), subtask("a3", { parent: "a" }));
  store.look(0, 10);
  server.asked.length = 0;
  await store.refresh();
  equal(shown(store), ["1 a", "2 a1", "3 a11", "2 a2", "2 a3", "1 b", "1 c"]);
  equal(server.asked.length, 3);
});

test("a page whose subtasks have ended is not read again, but for all", async () => {
  const server = new Server(roots(150).map((one) => ({ ...one, state: "succeeded" })));
  const store = server.store();
  await store.look(0, 100);
  store.look(0, 20);
  server.asked.length = 0;
  await store.refresh();
  equal(server.asked.length, 0);
  await store.refresh({ all: true });
  equal(server.asked.map((one) => one.cursor), [undefined]);
});

test("a look reads few lists again, the oldest first", async () => {
  const many = roots(10).flatMap((one) => [{ ...one, children: 1 }, subtask(`${one.key}c`, { parent: one.key })]);
  const server = new Server(many);
  const store = server.store();
  await store.look(0, 30);
  for (const row of store.current().rows.filter((one) => one.level === 1)) await store.toggle(row);
  store.look(0, 30);
  const before = server.asked.length;
  for (const _ of [1, 2, 3]) await store.refresh();
  equal(server.asked.length - before, 12);
  equal(new Set(server.asked.slice(before).map((one) => one.parent)).size, 11);
});

test("a filter shows a list, and without it the tree is as it was", async () => {
  const { server, store } = await opened();
  store.setFilter({ state: "waiting", step: "", text: "" });
  await store.look(0, 10);
  equal(shown(store), ["1 a2", "1 a11"]);
  equal([server.asked.at(-1).parent, server.asked.at(-1).state, store.current().flat], [undefined, "waiting", true]);
  store.setFilter({ state: "", step: "", text: "" });
  for (const _ of [1, 2, 3]) await store.look(0, 10);
  equal(shown(store), ["1 a", "2 a1", "3 a11", "2 a2", "1 b"]);
});

test("the answer to an older filter is not shown", async () => {
  const { store } = grown();
  const late = store.look(0, 10);
  store.setFilter({ state: "", step: "", text: "a1" });
  await Promise.all([late, store.look(0, 10)]);
  equal(shown(store), ["1 a1", "1 a11"]);
});

test("a page without subtasks and with a next one is not the end", async () => {
  let asked = 0;
  const fetchPage = async ({ cursor }) => {
    asked += 1;
    return cursor === 2 ? { subtasks: [subtask("z")], next: null } : { subtasks: [], next: (cursor ?? 0) + 1 };
  };
  const store = new Server().store();
  store.fetchPage = fetchPage;
  await store.look(0, 10);
  equal([asked, shown(store)], [3, ["1 z"]]);
});

test("an error is a row, and the page can be asked for again", async () => {
  const { server, store } = grown();
  server.error = new Error("503");
  const stop = store.subscribe(() => store.look(0, 10)); // as the view does
  await store.look(0, 10);
  for (let turn = 0; turn < 20; turn += 1) await null;
  equal([shown(store), server.asked.length], [["1 error"], 1]);
  stop();
  server.error = null;
  await store.more("");
  equal(shown(store), ["1 a", "1 b"]);
});

test("a page that could not be read is read by the next look, unless the error is final", async () => {
  for (const [final, rows] of [[false, ["1 a", "1 b"]], [true, ["1 error"]]]) {
    const { server, store } = grown();
    server.error = Object.assign(new Error("no"), { final });
    await store.look(0, 10);
    server.error = null;
    await store.refresh();
    equal(shown(store), rows);
  }
});

test("a look that fails keeps what was read, and raises", async () => {
  const { server, store } = await opened();
  store.look(0, 10);
  server.error = new Error("503");
  let raised = "";
  await store.refresh().catch((error) => (raised = error.message));
  equal([raised, shown(store).length], ["503", 5]);
  server.error = null;
  await store.refresh();
  equal(shown(store).length, 5);
});

test("a subtask in a later step is below its first step, and does not open", async () => {
  const server = new Server([subtask("k", { step: "search", children: 1 }), subtask("k", { step: "write", parent: "k", children: 1 })]);
  const store = server.store();
  await store.look(0, 5);
  await store.toggle(store.current().rows[0]);
  equal(shown(store), ["1 k", "2 k"]);
  equal(onKey("ArrowRight", store.current().rows, 1, 5), null);
});

test("what stands above moves the view, what stands below does not", async () => {
  const rows = (...ids) => ids.map((id) => ({ id, kind: "subtask" }));
  equal(movedBy(rows("a", "b", "c"), rows("x", "y", "a", "b", "c"), 1), 2);
  equal(movedBy(rows("a", "b", "c"), rows("a", "b", "z", "c"), 1), 0);
  equal(movedBy(rows("a", "b", "c"), rows("b", "c"), 1), -1);
  equal(movedBy(rows("a", "b", "c"), rows("a", "c"), 1), -1);
  equal(movedBy(rows("a"), rows("b"), 0), 0);
});

test("pages that were read again replace the old ones; later ones stay where they fit", () => {
  const page = (cursor, next, name) => ({ cursor, next, name });
  const pages = [page(null, "1", "a"), page("1", "2", "b"), page("2", null, "c")];
  const names = (found) => found.map((one) => one.name).join("");
  equal(names(replacePages(pages, 0, [page(null, "1", "A")])), "Abc");
  equal(names(replacePages(pages, 0, [page(null, "9", "A")])), "A");
  equal(names(replacePages(pages, 1, [page("1", "2", "B"), page("2", "3", "C")])), "aBC");
});

test("pages in view, by list", async () => {
  const server = new Server(roots(250));
  const store = server.store();
  await store.look(0, 100);
  await store.look(0, 200);
  equal(pagesIn(store.current().rows, 95, 105), [{ list: "", from: 0, to: 1 }]);
});

test("keys move, open, close and show", async () => {
  const { store } = await opened();
  const { rows } = store.current();
  const act = (key, index) => onKey(key, rows, index, 3);
  equal(act("ArrowDown", 4), { to: 4 });
  equal(act("ArrowUp", 0), { to: 0 });
  equal([act("PageDown", 0), act("PageUp", 4), act("Home", 3), act("End", 0)], [{ to: 3 }, { to: 1 }, { to: 0 }, { to: 4 }]);
  equal([act("ArrowRight", 0), act("ArrowLeft", 0)], [{ to: 1 }, { close: 0 }]);
  equal([act("ArrowRight", 2), act("ArrowLeft", 2)], [null, { to: 1 }]);
  equal([act("Enter", 2), act("x", 2), onKey("End", [], 0, 3)], [{ show: 2 }, null, null]);
});

test("the rows that are drawn are those in view and a few more", () => {
  equal(drawn(0, 300, 30, 1000, 5), { first: 0, last: 15 });
  equal(drawn(15_000, 300, 30, 1000, 5), { first: 495, last: 515 });
  equal(drawn(29_700, 300, 30, 1000, 5), { first: 985, last: 999 });
  equal(drawn(0, 300, 30, 0, 5), { first: 0, last: -1 });
  equal([revealed(3, 120, 300, 30), revealed(13, 120, 300, 30), revealed(5, 120, 300, 30)], [90, 120, 120]);
  equal(revealed(14, 120, 300, 30), 150);
});
