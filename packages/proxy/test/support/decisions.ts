/** The decision core over a table made of a few routes and endpoints; a test changes one thing. */
import type { Deployment, Endpoint, Route } from "@propagit/protocol";
import { decide } from "../../src/core/decision.js";
import type { Decision, Forwarding, Refusal } from "../../src/core/outcome.js";
import type { Progress, Question, Situation } from "../../src/core/question.js";
import { RouteTable, type TableOptions } from "../../src/core/route-table.js";
import { commitA, endpointOf, routeOf } from "./samples.js";

export interface Given extends TableOptions {
  readonly routes?: readonly Route[];
  readonly deployments?: readonly Deployment[];
  readonly endpoints?: readonly Endpoint[];
  /** What was registered at some time, one after the other, and is gone unless it is in `endpoints`. */
  readonly earlier?: readonly Endpoint[];
  /** Monotonic, in ms. */
  readonly now?: number;
  readonly fraction?: () => number;
}

export const position = { epoch: "life", revision: 1 };

export function tableOf(given: Given = {}): RouteTable {
  const { routes = [routeOf([commitA, 1])], deployments = [], endpoints, earlier = [] } = given;
  const table = new RouteTable(given);
  const snapshot = { kind: "snapshot", book: "book", revision: 1 } as const;
  table.takeBook({ ...snapshot, routes: [...routes], deployments: [...deployments] }, 0);
  register(table, endpoints ?? [endpointOf(1)], earlier);
  return table;
}

function register(
  table: RouteTable,
  endpoints: readonly Endpoint[],
  earlier: readonly Endpoint[],
): void {
  for (const endpoint of earlier) {
    table.takeEndpoints([{ kind: "up", at: position, endpoint }], 0);
  }
  const snapshot = { kind: "snapshot", at: position, settled: true } as const;
  table.takeEndpoints([{ ...snapshot, endpoints: [...endpoints] }], 0);
}

export function situationOf(table: RouteTable, over: Partial<Situation> = {}): Situation {
  return { table, now: 0, fraction: () => 0, newVisitor: () => "f".repeat(32), ...over };
}

export interface Asked {
  readonly method?: string;
  readonly target?: string;
  readonly address?: string;
  readonly isSecure?: boolean;
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
}

export function requestTo(host: string, asked: Asked = {}): Question {
  const { method = "GET", target = "/", address = "192.0.2.1", isSecure = false } = asked;
  const headers = new Map(Object.entries(asked.headers ?? {}));
  return { host, method, target, address, isSecure, header: (name) => headers.get(name) };
}

export function ask(
  given: Given | RouteTable,
  host = "webapp.localhost",
  asked: Asked = {},
  progress?: Progress,
): Decision {
  const table = given instanceof RouteTable ? given : tableOf(given);
  const { now = 0, fraction } = given instanceof RouteTable ? {} : given;
  const situation = situationOf(table, { now, ...(fraction && { fraction }) });
  return decide(situation, requestTo(host, asked), progress);
}

/** The port, or code and message of the refusal, or what else became of it. */
export function outcome(
  given: Given | RouteTable,
  host?: string,
  asked?: Asked | string,
): number | string {
  const decision = ask(given, host, typeof asked === "string" ? { target: asked } : asked);
  return outcomeOf(decision);
}

export function outcomeOf(decision: Decision): number | string {
  switch (decision.kind) {
    case "forward":
      return portOf(decision);
    case "refuse":
      return `${decision.code} ${decision.message}`;
    case "redirect":
      return `${decision.status} ${decision.location}`;
    case "maintenance":
    case "hold":
    case "prove":
      return decision.kind;
    default:
      return decision satisfies never;
  }
}

export function portOf({ target }: Forwarding): number {
  return Number(target.address.split(":").at(-1));
}

export function forwarded(decision: Decision): Forwarding {
  if (decision.kind !== "forward")
    throw new Error(`${decision.kind} ${String(outcomeOf(decision))}`);
  return decision;
}

export function refused(decision: Decision): Refusal {
  if (decision.kind !== "refuse") throw new Error(`it is a ${decision.kind}`);
  return decision;
}

/** The header of a visitor with an id of our making. */
export function visitorNumber(number: number): string {
  return `propagit-visitor=${number.toString(16).padStart(32, "0")}`;
}
