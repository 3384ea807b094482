/** Settings of an environment as secrets of plans: in clear only while a task is carried out. */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import {
  redactor,
  type Commands,
  type DroneSeen,
  type Plan,
  type TaskCall,
  type TaskEnd,
  type TaskOrder,
} from "@propagit/plan";
import { environmentOf } from "./core/deployment-edits.js";
import type { LedgerRows } from "./core/draft.js";
import { placeName } from "./core/place-name.js";
import type { HubWorld } from "./world.js";

export interface PlanSecretsParts {
  readonly world: Pick<HubWorld, "crypto" | "settingsKey">;
  readonly ledger: LedgerRows;
  readonly commands: Commands;
}

type Asking = Pick<TaskOrder, "task" | "secrets">;

export class PlanSecrets {
  readonly #parts: PlanSecretsParts;

  constructor(parts: PlanSecretsParts) {
    this.#parts = parts;
  }

  /** Those that a task may use, in clear: of our commands what it names as `$NAME`, of a project's own all. */
  of({ task, secrets }: Asking): ReadonlyMap<string, string> {
    if (!secrets) return new Map();
    const { world, ledger, commands } = this.#parts;
    const { settings } = environmentOf(ledger, secrets.repo, secrets.environment);
    const said = commands.has(task.command) ? JSON.stringify(task.args) : undefined;
    const names = secrets.names.filter((name) => said?.includes(`"$${name}"`) ?? true);
    return new Map(
      names.flatMap((name) => {
        const hidden = settings[name]?.hidden;
        const value =
          hidden === undefined ? undefined : world.crypto.decrypt(world.settingsKey, hidden);
        return value === undefined ? [] : [[name, value] as const];
      }),
    );
  }

  /** Carries a task out so that nothing of them is in what it says. */
  async hidden(
    order: Asking,
    call: TaskCall,
    run: (call: TaskCall) => Promise<TaskEnd>,
  ): Promise<TaskEnd> {
    if (!order.secrets) return run(call);
    const redact = redactor(this.of(order));
    const onOutput = (line: string) => call.onOutput(redact(line));
    const saidOf = ({ reason, lastLines }: Pick<TaskEnd, "reason" | "lastLines">) => ({
      ...(reason !== undefined && { reason: redact(reason) }),
      ...(lastLines && { lastLines: lastLines.map(redact) }),
    });
    const onDrones = (drones: readonly DroneSeen[]) =>
      call.onDrones?.(drones.map((one) => ({ ...one, ...saidOf(one) })));
    try {
      const end = await run({ ...call, onOutput, onDrones });
      return { ...end, ...saidOf(end) };
    } catch (thrown) {
      const { code, message } = toPropagitError(thrown);
      throw new PropagitError(code, redact(message));
    }
  }
}

/** @throws BAD_PLAN when a plan names settings that there are not */
export function refuseMissingSettings(rows: LedgerRows, { secrets }: Plan): void {
  if (!secrets) return;
  const { settings } = environmentOf(rows, secrets.repo, secrets.environment);
  const missing = secrets.names.filter((name) => settings[name] === undefined);
  if (missing.length === 0) return;
  const place = placeName(secrets);
  throw new PropagitError("BAD_PLAN", `${place} has no setting ${missing.join(", ")}`, {
    hint: `see them: propagit env list ${secrets.repo}`,
  });
}
