import { equal, test } from "./check.js";
import { matching, rowsOf } from "../static/job/schema.js";

const ODD = [null, true, 1, 1e300, "x", [], [[]], {}, { toString: 1, valueOf: 1 }, [{ toString: 1 }]];
const NAMES = [
  "type", "default", "title", "description", "description_md", "enum", "const", "examples", "format", "pattern", "minimum",
  "maximum", "minLength", "maxItems", "multipleOf", "uniqueItems", "section", "odd", "constructor", "__proto__",
];

test("whatever a schema has, its row has texts", () => {
  for (const name of NAMES) {
    for (const value of ODD) {
      const schema = JSON.parse(`{${JSON.stringify(name)}: ${JSON.stringify(value)}}`);
      const [row] = rowsOf({ properties: { p: schema } });
      const texts = [row.name, row.title, row.type, row.description, row.fallback ?? "", ...row.limits];
      equal([name, texts.map((one) => typeof one)], [name, texts.map(() => "string")]);
      equal(matching([row], "p").length, 1);
    }
  }
});

test("params may have the names of what objects inherit, and any schema", () => {
  const params = JSON.parse('{"properties": {"__proto__": {}, "constructor": null, "toString": 7}, "required": ["toString"]}');
  equal(rowsOf(params).map((row) => [row.name, row.required]), [["__proto__", false], ["constructor", false], ["toString", true]]);
  equal(rowsOf(undefined), []);
});

test("a default nested deeper than the browser can write does not stop the page", () => {
  const deep = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);
  equal(rowsOf({ properties: { p: { default: deep } } })[0].fallback, "…");
});
