// The samples of the last ten minutes, as charts draw them: rows with their time `at`.

const KEPT = 300;

/** The samples of /api/overview, which come as columns. */
export function rows(columns) {
  const names = Object.keys(columns).filter((name) => Array.isArray(columns[name]));
  return columns.time.map((at, index) => ({ at, ...Object.fromEntries(names.map((name) => [name, columns[name][index]])) }));
}

/** SAMPLES with the one of an event after them; the same if there is none, or if it is there already. */
export function after(samples, sample) {
  if (!sample || (samples.length && samples[samples.length - 1].at >= sample.time)) return samples;
  return [...samples, { ...sample, at: sample.time }].slice(-KEPT);
}
