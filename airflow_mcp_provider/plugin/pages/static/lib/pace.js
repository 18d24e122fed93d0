// How long a poll waits before it asks again. Times are milliseconds. No React.

const [SLOWEST, TIMES] = [60_000, 4];

/**
 * `pace` is the usual pause, `failures` the number of errors since the last answer, `took` how long the last one took.
 *
 * Of a server that is slow each page asks less: else many open pages would keep it slow.
 */
export const pause = (pace, failures, took) =>
  Math.min(Math.max(SLOWEST, pace), Math.max(pace * 2 ** Math.min(failures, 10), TIMES * took));
