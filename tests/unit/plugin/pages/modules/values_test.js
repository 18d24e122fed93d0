import { equal, test } from "./check.js";
import { fieldOf, kindOf, linkOf, plainText, prettyJson, summaryOf } from "../static/run/values.js";

test("a list of flat objects is a table", () => {
  equal(kindOf([{ a: 1, b: "x" }, { a: null, c: true }]), { kind: "table", columns: ["a", "b", "c"] });
});

test("what has no rows, or values in its rows that are not plain, is not a table", () => {
  equal(kindOf([]), { kind: "json" });
  equal(kindOf([{ a: {} }]), { kind: "json" });
  equal(kindOf([{}]), { kind: "json" });
  equal(kindOf([{ a: 1 }, 2]), { kind: "json" });
  equal(kindOf([Object.fromEntries(Array.from({ length: 13 }, (_, n) => [`c${n}`, n]))]).kind, "json");
});

test("other values", () => {
  equal([kindOf(1), kindOf(null), kindOf("x"), kindOf(false)].map((one) => one.kind), ["plain", "plain", "plain", "plain"]);
  equal(kindOf({ a: [1], b: 2 }), { kind: "record", fields: ["a", "b"] });
  equal([kindOf({}), kindOf(["a", 1])].map((one) => one.kind), ["json", "list"]);
  equal([plainText("x"), plainText(null), plainText(1.5), plainText(true)], ["x", "null", "1.5", "true"]);
  equal([summaryOf([1]), summaryOf({ a: 1, b: 2 }), summaryOf([]), summaryOf("x")], ["[1 entry]", "{2 fields}", "[0 entries]", "x"]);
});

test("only addresses of http and https are links", () => {
  equal(linkOf("https://example.com/a?b=1#c"), "https://example.com/a?b=1#c");
  equal(linkOf("HTTP://example.com"), "http://example.com/");
  const texts = [
    "javascript:alert(1)",
    "data:text/html,x",
    " https://example.com",
    "https://example.com\n",
    "see https://example.com",
    "//example.com",
    "http://",
    "https://user@evil.example",
    "https://good.example:x@evil.example/",
    "https://ex\u202eample.com",
    "https:\\\\evil.example",
    "https://\\evil.example",
    "java\nscript:alert(1)",
    `https://example.com/${"a".repeat(2000)}`,
    7,
    null,
  ];
  equal(texts.map(linkOf), texts.map(() => null));
});

test("long JSON is cut, with the number of what is left out", () => {
  equal(prettyJson({ a: 1 }), '{\n  "a": 1\n}');
  equal(prettyJson("x".repeat(10), 5), '"xxxx\n… 7 more characters');
});

test("the names of fields may be those that objects inherit", () => {
  const rows = JSON.parse('[{"__proto__": 1, "constructor": "x", "toString": null}, {"a": 2}]');
  equal(kindOf(rows), { kind: "table", columns: ["__proto__", "constructor", "toString", "a"] });
  equal(rows.map((row) => ["__proto__", "constructor", "toString", "a"].map((name) => fieldOf(row, name) ?? null)), [
    [1, "x", null, null],
    [null, null, null, 2],
  ]);
});

test("values nested deeper than the browser can write do not stop the page", () => {
  const deep = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);
  equal(kindOf(deep), { kind: "json" });
  equal(prettyJson(deep), "This value has more levels than this browser can show.");
});

test("a number that is kept as it was written is a plain value", () => {
  if (!JSON.rawJSON) return; // an older browser shows what it can calculate with
  const value = [JSON.rawJSON("12345678901234567890"), JSON.rawJSON("1e400")];
  equal(value.map((one) => [kindOf(one).kind, plainText(one)]), [["plain", "12345678901234567890"], ["plain", "1e400"]]);
  equal([kindOf(value).kind, kindOf([{ id: value[0] }]).kind], ["list", "table"]);
});
