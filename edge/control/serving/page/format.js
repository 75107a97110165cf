// Numbers and times as people read them. English, whatever the browser's language, as all of the page.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SMALL = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const SMALLER = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const NONE = "–";

/** Whether there is a number at all: a value that was not measured is null. */
export function known(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** A number with as many digits as are of use. */
export function number(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return WHOLE.format(value);
  return (size >= 10 ? SMALL : SMALLER).format(value);
}

/** Something per second. */
export function rate(value) {
  return known(value) ? `${number(value)}/s` : NONE;
}

/** A part of one, in per cent. */
export function share(value) {
  if (!known(value)) return NONE;
  const percent = value * 100;
  if (percent > 0 && percent < 0.01) return "<0.01%";
  return `${number(percent)}%`;
}

/** A number of bytes. */
export function bytes(value) {
  if (!known(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(value)} ${units[unit]}`;
}

/** A short time in seconds, such as a latency. */
export function latency(seconds) {
  if (!known(seconds)) return NONE;
  if (seconds < 0.001) return `${number(seconds * 1e6)} µs`;
  if (seconds < 1) return `${number(seconds * 1e3)} ms`;
  return `${number(seconds)} s`;
}

const UNITS = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** A span of time: its two largest units. */
export function span(seconds) {
  if (!known(seconds)) return NONE;
  let rest = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || (unit === "s" && !parts.length)) parts.push(`${count} ${unit}`);
    else if (parts.length) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** How long ago a moment (Unix seconds) was, or how far off it is. */
export function ago(moment, now = Date.now() / 1000) {
  if (!known(moment) || moment <= 0) return NONE;
  const seconds = now - moment;
  if (seconds < -1) return `in ${coarse(-seconds)}`;
  return seconds < 1 ? "just now" : `${coarse(seconds)} ago`;
}

/** A span of time in its largest unit. */
export function coarse(seconds) {
  for (const [unit, size] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return "0 s";
}

/** A moment (Unix seconds) as local date and time. */
export function moment(seconds) {
  if (!known(seconds) || seconds <= 0) return NONE;
  const date = new Date(seconds * 1000);
  const two = (value) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** COUNT and its noun: `1 route`, `2 routes`. */
export function count(amount, noun, nouns = `${noun}s`) {
  return `${number(amount)} ${amount === 1 ? noun : nouns}`;
}
