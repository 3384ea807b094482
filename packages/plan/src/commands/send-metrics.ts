/** Sends numbers to Graphite or StatsD. */
import { choice, described, number, object, record, text, withDefault } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { shown } from "./kit/words.js";

const timeoutMs = 5_000;
const metricPattern = "^[A-Za-z0-9_][A-Za-z0-9_.-]*$";
const metricName = { pattern: metricPattern, why: "is not the name of a metric", max: 500 };

const args = object(
  {
    to: described(
      "HOST:PORT: Graphite's plain one (2003, TCP) or StatsD's (8125, UDP).",
      text({
        max: 300,
        pattern: "^(?:[A-Za-z0-9.-]+|\\[[0-9a-fA-F:]+\\]):[0-9]{1,5}$",
        why: "is not HOST:PORT",
      }),
    ),
    protocol: described("(graphite)", withDefault(choice("graphite", "statsd"), "graphite")),
    values: described("By name.", record(metricName, number(-1e15, 1e15))),
    prefix: described(
      "Before every name: deploys.shop",
      text({ max: 200, pattern: metricPattern, why: metricName.why }),
    ),
    kind: described(
      "What they are to StatsD (counter).",
      withDefault(choice("counter", "gauge", "timer"), "counter"),
    ),
  },
  ["to", "values"],
);

const letters = { counter: "c", gauge: "g", timer: "ms" } as const;

export const sendMetrics = defineCommand({
  name: "send-metrics",
  summary: "Sends numbers to Graphite or StatsD. That it fails does not fail the plan.",
  args,
  describe: ({ to, values }) => `would send ${[...values.keys()].map(shown).join(", ")} to ${to}`,
  async run({ to, protocol, values, prefix, kind }, { host, clock, signal }) {
    const at = to.lastIndexOf(":");
    const start = prefix === undefined ? "" : `${prefix}.`;
    const seconds = Math.floor(clock.now() / 1_000);
    const line = (name: string, value: number) =>
      protocol === "graphite"
        ? `${start}${name} ${value} ${seconds}\n`
        : `${start}${name}:${value}|${letters[kind]}\n`;
    await host.send({
      protocol: protocol === "graphite" ? "tcp" : "udp",
      host: to.slice(0, at).replaceAll(/[[\]]/g, ""),
      port: Number(to.slice(at + 1)),
      text: [...values].map(([name, { value }]) => line(name, value)).join(""),
      timeoutMs,
      signal,
    });
    return { outcome: "done" };
  },
  actsAgain: true,
  continueOnFail: true,
  needsNoUndo: true,
  example: { to: "127.0.0.1:2003", prefix: "deploys.shop", values: { begun: 1 } },
});
