// The JSON Schema of a job's params as rows: name, type, default, description, limits. Reads, renders nothing.

// As JSON where it is no text: an object may have a field "toString" that cannot be called.
const word = (value) => (typeof value === "string" ? value : json(value));
const many = (count, what) => `${word(count)} ${what}${count === 1 ? "" : "s"}`;

const WORDS = {
  const: (value) => `always ${json(value)}`,
  enum: (value) => `one of ${list(value)}`,
  examples: (value) => `for example ${list(value)}`,
  exclusiveMaximum: (value) => `less than ${word(value)}`,
  exclusiveMinimum: (value) => `more than ${word(value)}`,
  format: (value) => `format ${word(value)}`,
  maxItems: (value) => `at most ${many(value, "item")}`,
  maxLength: (value) => `at most ${many(value, "character")}`,
  maximum: (value) => `at most ${word(value)}`,
  minItems: (value) => `at least ${many(value, "item")}`,
  minLength: (value) => `at least ${many(value, "character")}`,
  minimum: (value) => `at least ${word(value)}`,
  multipleOf: (value) => `a multiple of ${word(value)}`,
  pattern: (value) => `pattern ${word(value)}`,
  uniqueItems: (value) => (value ? "no item twice" : null),
};
// Shown in columns of their own, or only of use to the trigger form.
const ELSEWHERE = new Set([
  "type", "default", "title", "description", "description_md", "section", "custom_html_form", "values_display",
]);

export const json = (value) => {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "…"; // more levels than this browser can show
  }
};

const list = (values) => (Array.isArray(values) ? values.map(json).join(", ") : json(values));

const kinds = (type) => (Array.isArray(type) ? type.map(word).join(" or ") : type);

const typeOf = (schema) => {
  if (typeof schema.type === "string" || Array.isArray(schema.type)) return kinds(schema.type);
  return "any";
};

// A keyword without words of its own is shown as it is: the schema is the user's.
const limit = (name, value) => (Object.hasOwn(WORDS, name) ? WORDS[name](value) : `${name}: ${json(value)}`);

const limits = (schema) =>
  Object.entries(schema)
    .filter(([name]) => !ELSEWHERE.has(name))
    .map(([name, value]) => limit(name, value))
    .filter((text) => text !== null);

const row = (name, given, required) => {
  const schema = typeof given === "object" && given !== null ? given : {};
  return {
    name,
    title: typeof schema.title === "string" && schema.title !== name ? schema.title : "",
    type: typeOf(schema),
    required,
    fallback: Object.hasOwn(schema, "default") ? json(schema.default) : null,
    description: word(schema.description_md ?? schema.description ?? ""),
    limits: limits(schema),
  };
};

export const rowsOf = (params) => {
  const required = new Set(params?.required ?? []);
  return Object.entries(params?.properties ?? {}).map(([name, schema]) => row(name, schema, required.has(name)));
};

export const matching = (rows, text) => {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return rows;
  return rows.filter((one) => `${one.name}\n${one.title}\n${one.description}`.toLowerCase().includes(wanted));
};
