/** Taking a machine out of the way of visitors and putting it back: by our own balancer, Consul or somebody's webhook. */
import { PropagitError } from "@propagit/protocol";
import { described, duration, mapped, text, withDefault } from "@propagit/shapes";
import type { Shape } from "@propagit/shapes";
import type { CommandContext, CommandEnd } from "../../command.js";
import { environmentName, repoName, serviceName } from "../../core/plan-words.js";
import type { Task } from "../../plan.js";
import { agentDefault, consul, maintain, type Consul } from "./consul.js";
import { shownUrl, urlOf } from "./secret.js";
import { secretUrl } from "./words.js";

export interface BalanceArgs {
  readonly repo?: string;
  readonly environment?: string;
  readonly service?: string;
  readonly webhook?: string;
  readonly consul?: Consul;
  readonly within: number;
}

export const balanceFields = {
  repo: described("Only of that repository (of all).", repoName),
  environment: described("Only of that environment (of all).", environmentName),
  service: described("Only of that service (of all); also for the webhook.", serviceName),
  webhook: described(
    'Another balancer: it gets {"action": "drain" or "undrain", "machine": …} and answers when it is so. `$NAME`: a secret.',
    secretUrl,
  ),
  consul: described(
    `Instead: Consul, by its maintenance: \`service\`, the id that it has there (all of the machine); \`agent\` (${agentDefault}); \`token\`, $NAME of a secret. Back is who is healthy to it.`,
    consul,
  ),
  within: described("How long it may take (60s).", withDefault(duration(), "60s")),
  machine: described(
    "By which name the balancer knows it (that of the task's host).",
    text({ max: 300 }),
  ),
};

export function balanceArgs<A extends BalanceArgs>(shape: Shape<A>): Shape<A> {
  return mapped(shape, (value, at, _where, problems) => {
    if (value.environment !== undefined && value.repo === undefined) {
      problems.add(at, "has an `environment` without its `repo`");
    }
    const { repo, service, webhook } = value;
    if (value.consul && [repo, service, webhook].some((one) => one !== undefined)) {
      problems.add(at, "has `consul`, which knows no `repo`, `service` or `webhook` beside it");
    }
    return value;
  });
}

/** Whether it asks our own balancer, which only a hub has. */
export function asksOurBalancer({ command, args }: Pick<Task, "command" | "args">): boolean {
  if (command !== "drain" && command !== "undrain") return false;
  return args["webhook"] === undefined && args["consul"] === undefined;
}

export type BalanceAction = "drain" | "undrain";

export async function balance(
  action: BalanceAction,
  args: BalanceArgs & { readonly machine?: string },
  context: CommandContext,
): Promise<CommandEnd> {
  const { host, means, signal } = context;
  const { webhook, consul: agent, within: timeoutMs, machine = host.name, ...part } = args;
  if (agent) return maintain(agent, { isOut: action === "drain", withinMs: timeoutMs }, context);
  if (webhook !== undefined)
    return callWebhook({ action, machine, webhook, timeoutMs }, args, context);
  if (means.balancer) return means.balancer[action]({ ...part, machine, timeoutMs, signal });
  throw new PropagitError(
    "TASK_FAILED",
    `nothing here balances, so ${machine} cannot be taken out`,
    {
      hint: "carry the plan out by a hub, or name the `webhook` of your balancer",
    },
  );
}

interface Call {
  readonly action: BalanceAction;
  readonly machine: string;
  readonly webhook: string;
  readonly timeoutMs: number;
}

/** 200 says that it was done, 304 that it was so already. */
async function callWebhook(
  { action, machine, webhook, timeoutMs }: Call,
  { repo, environment, service }: BalanceArgs,
  { host, means, signal, key }: CommandContext,
): Promise<CommandEnd> {
  const url = await urlOf(webhook, means);
  const body = JSON.stringify({ action, machine, repo, environment, service, key });
  const headers = { "content-type": "application/json" };
  const { status } = await host.request({ url, method: "POST", headers, body, timeoutMs, signal });
  if (status === 304) return { outcome: "unchanged" };
  if (status < 300) return { outcome: "done" };
  throw new PropagitError(
    "TASK_FAILED",
    `${shownUrl(webhook)} answered ${status} to ${action} of ${machine}`,
  );
}
