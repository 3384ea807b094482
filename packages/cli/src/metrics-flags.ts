/** The page for who watches a daemon. */
import { PropagitError } from "@propagit/protocol";
import type { Command } from "commander";
import { asFlag, parsePort } from "./flags.js";

export interface MetricsFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
}

export function withMetricsFlags(command: Command): Command {
  return command
    .option(
      "--metrics-port <port>",
      "a page for who watches: /metrics for Prometheus, /up",
      asFlag(parsePort),
    )
    .option("--metrics-host <address>", "address of that page (default: 127.0.0.1)");
}

/** @throws BAD_USAGE for the address of a page that is not wanted */
export function metricsOf({ metricsPort: port, metricsHost: host }: MetricsFlags): {
  readonly metrics?: { readonly port: number; readonly host?: string };
} {
  if (port !== undefined) return { metrics: { port, ...(host !== undefined && { host }) } };
  if (host === undefined) return {};
  throw new PropagitError("BAD_USAGE", "--metrics-host without a page that it could be for", {
    hint: "add --metrics-port=9100",
  });
}
