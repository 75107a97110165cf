// A chart of up to ten minutes: lines over time, with a mark that the pointer or the arrow keys move.
//
// Rules of this file:
// - The drawing is stretched to its place by the browser, so a new size costs no code; texts stand beside it, not in it.
// - The mark is one for all charts of the page, so that a peak in one can be compared with the others.
// - To a screen reader the plot is a slider: its text says time and values.

import { h, say, set, svg } from "../dom.js";
import { known, span } from "../format.js";

const WIDTH = 600;
const HEIGHT = 100;
const SPANS = [60, 120, 180, 240, 300, 420, 600];
const PAGE = 30;
const GAP = 10;
const ROOM = 1.15;

/** The mark: seconds before the newest sample, or null while nothing is pointed at. */
const mark = {
  age: null,
  charts: new Set(),
  move(age) {
    this.age = age === null ? null : Math.max(0, Math.min(SPANS[SPANS.length - 1], age));
    for (const chart of this.charts) chart.point();
  },
};

/** The least round number that leaves some room above VALUE. */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10]) if (factor * power >= value * ROOM) return factor * power;
  return 12 * power;
}

/**
 * A chart.
 *
 * TITLE: what is shown. FORMAT: a value as text. SERIES: `{ name, of(sample), tone }`, of which the first is the one
 * that counts. LEAST: the top of the scale is never lower. Samples have `at`, in Unix seconds.
 */
export class Chart {
  constructor({ title, format, series, least = 0, link = null }) {
    Object.assign(this, { title, format, series, least, samples: [] });
    this.values = series.map(() => h("span", { class: "chart-value" }));
    this.when = h("span", { class: "chart-when" });
    this.top = h("span", { class: "chart-top" });
    this.start = h("span");
    this.fills = svg("path", { class: `chart-fill tone-${series[0].tone}` });
    this.lines = series.map((one) => svg("path", { class: `chart-line tone-${one.tone}` }));
    this.rule = svg("path", { class: "chart-rule" });
    const drawing = svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
      svg("path", { class: "chart-grid", d: `M0 0.5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}` }),
      series.length === 1 && this.fills,
      [...this.lines].reverse(),
      this.rule,
    );
    this.plot = h(
      "div",
      {
        class: "chart-plot",
        role: "slider",
        tabindex: "0",
        "aria-label": `${title} over time`,
        "aria-valuemax": 0,
        onpointermove: (event) => this.hover(event),
        onpointerleave: () => mark.move(null),
        onblur: () => mark.move(null),
        onkeydown: (event) => this.press(event),
      },
      drawing,
      this.top,
    );
    const names = series.length > 1;
    this.element = h(
      "figure",
      { class: "card chart" },
      h("figcaption", { class: "chart-head" }, h("h2", {}, link ? h("a", { href: link }, title) : title), this.when),
      h(
        "div",
        { class: "chart-values" },
        series.map((one, index) =>
          h(
            "span",
            { class: index ? "chart-other" : "chart-main" },
            names && h("span", { class: `chart-name tone-${one.tone}` }, one.name),
            this.values[index],
          ),
        ),
      ),
      this.plot,
      h("div", { class: "chart-times", "aria-hidden": "true" }, this.start, h("span", {}, "now")),
    );
    mark.charts.add(this);
    this.draw([]);
  }

  /** Draw SAMPLES, the oldest first. */
  draw(samples) {
    this.samples = samples;
    this.newest = samples.length ? samples[samples.length - 1].at : 0;
    const age = samples.length ? this.newest - samples[0].at : 0;
    this.seconds = SPANS.find((one) => one >= age) ?? SPANS[SPANS.length - 1];
    set(this.plot, "aria-valuemin", -this.seconds);
    say(this.start, `${span(this.seconds)} ago`);
    let most = this.least;
    for (const sample of samples) for (const one of this.series) most = Math.max(most, one.of(sample) ?? 0);
    this.most = ceiling(most);
    say(this.top, this.format(this.most));
    this.series.forEach((one, index) => set(this.lines[index], "d", this.path(one.of)));
    if (this.series.length === 1) set(this.fills, "d", this.path(this.series[0].of, true));
    this.point();
  }

  x(sample) {
    return WIDTH - ((this.newest - sample.at) / this.seconds) * WIDTH;
  }

  /** The line of the values OF samples; where there is none it is broken. CLOSED: the area below it. */
  path(of, closed = false) {
    let text = "";
    let first = null;
    let last = 0;
    let before = 0;
    const end = () => {
      if (closed && first !== null) text += `L${last} ${HEIGHT}L${first} ${HEIGHT}Z`;
      first = null;
    };
    for (const sample of this.samples) {
      const value = of(sample);
      const x = this.x(sample);
      if (sample.at - before > GAP) end();
      before = sample.at;
      if (!known(value) || x < 0) {
        end();
        continue;
      }
      const y = HEIGHT - 1 - (Math.min(value, this.most) / this.most) * (HEIGHT - 3);
      text += `${first === null ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
      if (first === null) first = x.toFixed(1);
      last = x.toFixed(1);
    }
    end();
    return text;
  }

  /** The sample at the mark, and what the texts say of it. */
  point() {
    const sample = this.at(mark.age ?? 0);
    const age = sample && mark.age !== null ? this.newest - sample.at : null;
    const texts = this.series.map((one) => (sample ? this.format(one.of(sample)) : "–"));
    this.values.forEach((value, index) => say(value, texts[index]));
    const when = age === null ? "" : age < 1 ? "now" : `${span(age)} ago`;
    say(this.when, when);
    if (sample && age !== null) set(this.rule, "d", `M${this.x(sample).toFixed(1)} 0V${HEIGHT}`);
    else set(this.rule, "d", null);
    const values = this.series.map((one, index) => (this.series.length > 1 ? `${one.name} ${texts[index]}` : texts[index]));
    set(this.plot, "aria-valuenow", age === null ? 0 : -Math.round(age));
    set(this.plot, "aria-valuetext", sample ? `${when || "now"}: ${values.join(", ")}` : "no samples yet");
  }

  /** The sample that is nearest to AGE seconds before the newest one. */
  at(age) {
    let best = null;
    for (const sample of this.samples) {
      if (best === null || Math.abs(this.newest - sample.at - age) < Math.abs(this.newest - best.at - age)) best = sample;
    }
    return best;
  }

  hover(event) {
    const box = this.plot.getBoundingClientRect();
    mark.move((1 - (event.clientX - box.left) / box.width) * this.seconds);
  }

  press(event) {
    const before = mark.age ?? 0;
    const step = this.samples.length > 1 ? this.newest - this.samples[this.samples.length - 2].at : 1;
    const moves = {
      ArrowLeft: before + step,
      ArrowDown: before + step,
      ArrowRight: before - step,
      ArrowUp: before - step,
      PageDown: before + PAGE,
      PageUp: before - PAGE,
      Home: this.seconds,
      End: 0,
      Escape: null,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    mark.move(moves[event.key]);
  }

  /** The end: the mark forgets this chart. */
  end() {
    mark.charts.delete(this);
  }
}
