// Runs tests of modules without React, in Node and in a browser alike.

const tests = [];

export const test = (name, body) => tests.push({ name, body });

/** Compare as JSON: `undefined` is not the same as null, nor as what is not there. */
export const equal = (found, expected) => {
  const [one, other] = [found, expected].map((value) => (value === undefined ? "undefined" : JSON.stringify(value)));
  if (one !== other) throw new Error(`found ${one}; expected ${other}`);
};

/** Run all tests; returns the failed ones, and how many there are. */
export const run = async () => {
  const failed = [];
  for (const { name, body } of tests) {
    try {
      await body();
    } catch (error) {
      failed.push(`${name}: ${error.stack ?? error}`);
    }
  }
  return { count: tests.length, failed };
};
