/**
 * Consul's maintenance: what is in it is unhealthy to all that ask Consul, which send nobody there.
 *
 *     in it already? --> PUT …/maintenance?enable=… --> back out of it: until its own checks pass again
 */
import { PropagitError } from "@propagit/protocol";
import { described, object, text, withDefault, type ValueOf } from "@propagit/shapes";
import type { CommandContext, CommandEnd } from "../../command.js";
import { pollUntil } from "./poll.js";
import { lastLine } from "./script.js";
import { secretOf, shownUrl, urlOf } from "./secret.js";
import { secretName, secretUrl } from "./words.js";

/** Where its agent listens on every machine that has one. */
export const agentDefault = "http://127.0.0.1:8500";
const lookMsMax = 10_000;

export const consul = object({
  agent: described(
    `Its address, as the host of the task sees it (${agentDefault}).`,
    withDefault(secretUrl, agentDefault),
  ),
  service: described(
    "The id that it has there (all of the machine).",
    text({ max: 300, pattern: "^[^\\s/?#]+$", why: "is not the id of a service" }),
  ),
  token: described("$NAME of the secret that is its ACL token (none).", secretName),
});

export type Consul = ValueOf<typeof consul>;

interface Wanted {
  readonly isOut: boolean;
  readonly withinMs: number;
}

/** @throws TASK_FAILED when the agent refuses, or the service is not healthy in time */
export async function maintain(
  { agent, service, token }: Consul,
  { isOut, withinMs }: Wanted,
  context: CommandContext,
): Promise<CommandEnd> {
  const { host, means, signal, key } = context;
  const base = (await urlOf(agent, means)).replace(/\/+$/, "");
  const headers: Record<string, string> = {};
  if (token !== undefined) headers["x-consul-token"] = await secretOf(token, means);
  const ask = async (method: "GET" | "PUT", path: string) => {
    const url = `${base}/v1/agent/${path}`;
    return host.request({ url, method, headers, timeoutMs: lookMsMax, signal });
  };
  const id = service === undefined ? undefined : encodeURIComponent(service);
  const check = service === undefined ? "_node_maintenance" : `_service_maintenance:${service}`;
  const quoted = JSON.stringify(check);
  const checks = await ask("GET", `checks?filter=${encodeURIComponent(`CheckID == ${quoted}`)}`);
  // An old agent knows no filter, and tells all of them.
  const isSo = checks.status === 200 && checks.body.includes(quoted) === isOut;
  if (!isSo) {
    const place = id === undefined ? "maintenance" : `service/maintenance/${id}`;
    const why = encodeURIComponent(`propagit ${key}`);
    const answer = await ask("PUT", `${place}?enable=${isOut}&reason=${why}`);
    if (answer.status !== 200) {
      const said = lastLine({ code: answer.status, output: answer.body, errorOutput: "" });
      const what = `maintenance of ${service ?? host.name}`;
      const told = `${shownUrl(agent)} answered ${answer.status} to ${what}: ${said}`;
      throw new PropagitError("TASK_FAILED", told);
    }
  }
  const outcome = isSo ? "unchanged" : "done";
  if (isOut || id === undefined) return { outcome };
  const look = async () => {
    const { status } = await ask("GET", `health/service/id/${id}`);
    return { isSo: status === 200, why: `${service} is ${healthOf(status)} to Consul` };
  };
  const { outcome: waited } = await pollUntil(context, { withinMs, everyMs: 1_000, look });
  return { outcome: outcome === "done" ? outcome : waited };
}

/** What its agent says by the status of an answer. */
function healthOf(status: number): string {
  switch (status) {
    case 404:
      return "unknown";
    case 429:
      return "warning";
    case 503:
      return "critical";
    default:
      return `of a health that is told by ${status}`;
  }
}
