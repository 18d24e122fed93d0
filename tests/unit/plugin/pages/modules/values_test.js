import { equal, test } from "./check.js";
import { kindOf, linkOf, plainText, prettyJson, summaryOf } from "../static/run/values.js";

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
