// The charts of the overview.

import { latency, number, rate, share } from "../format.js";
import { Chart } from "../parts/chart.js";

export function charts() {
  return [
    new Chart({ title: "Requests", format: rate, series: [{ name: "requests", of: (one) => one.rate, tone: "accent" }] }),
    new Chart({
      title: "Latency",
      format: latency,
      series: [
        { name: "p50", of: (one) => one.p50, tone: "ok" },
        { name: "p95", of: (one) => one.p95, tone: "accent" },
        { name: "p99", of: (one) => one.p99, tone: "violet" },
      ],
    }),
    new Chart({
      title: "Errors (5xx)",
      format: share,
      least: 0.01,
      series: [{ name: "errors", of: (one) => one.error_ratio, tone: "error" }],
    }),
    new Chart({ title: "Connections", format: number, least: 5, series: [{ name: "connections", of: (one) => one.connections, tone: "violet" }] }),
  ];
}
