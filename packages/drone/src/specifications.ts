/**
 * Asks the hub how deployments are run: once for each, again after a failure, a few at a time. What is not
 * wanted any more is not asked for any more.
 */
import {
  check,
  parseJson,
  PropagitError,
  toPropagitError,
  variablesSchema,
  type Variables,
} from "@propagit/protocol";
import { backoffMs, type Backoff, type Conversation, type World } from "@propagit/runtime";
import type { Specified } from "./world.js";

/** A drone with a thousand deployments that lost its memory shall not ask for all at once. */
const asksAtOnce = 8;
const backoff: Backoff = { firstMs: 1_000, maxMs: 30_000 };

export interface SpecificationsParts {
  readonly world: Pick<World, "clock" | "random" | "crypto" | "log">;
  /** The hub, as soon as it is there. @throws UNREACHABLE */
  readonly hub: () => Promise<Conversation>;
  readonly found: (specified: Specified) => void;
}

export class Specifications {
  readonly #parts: SpecificationsParts;
  /** Ids, and how often asking for them failed. */
  readonly #wanted = new Map<string, number>();
  /** Known, but without something that it should have; and those that were asked about once more. */
  readonly #doubted = new Set<string>();
  readonly #askedAgain = new Set<string>();
  /** Being asked for, or resting before another try. */
  readonly #busy = new Set<string>();
  #asking = 0;

  constructor(parts: SpecificationsParts) {
    this.#parts = parts;
  }

  /** From now on those of the assigned that are not known well, and no others, are asked for until found. */
  want(assigned: readonly string[], known: ReadonlySet<string>): void {
    const ids = assigned.filter((id) => !known.has(id) || this.#doubted.has(id));
    for (const id of this.#wanted.keys()) if (!ids.includes(id)) this.#wanted.delete(id);
    for (const id of ids) if (!this.#wanted.has(id)) this.#wanted.set(id, 0);
    this.#next();
  }

  /** What is known of it lacks something; whether the hub is asked again, once for each telling. */
  doubt(id: string): boolean {
    if (this.#askedAgain.has(id)) return false;
    this.#askedAgain.add(id);
    this.#doubted.add(id);
    return true;
  }

  /** The hub has told anew: what is doubted still may be asked for once more. */
  askAnew(): void {
    this.#askedAgain.clear();
  }

  /** Asks once, now. @throws UNREACHABLE, NO_RELEASE */
  async ask(id: string): Promise<Specified> {
    const { hub, world } = this.#parts;
    const conversation = await hub();
    const { config, ...rest } = await conversation.call("hub.specification", { id });
    return { id, ...rest, config: readConfig(world, conversation, config) };
  }

  #next(): void {
    for (const id of this.#wanted.keys()) {
      if (this.#asking >= asksAtOnce) return;
      if (!this.#busy.has(id)) void this.#try(id);
    }
  }

  async #try(id: string): Promise<void> {
    this.#busy.add(id);
    this.#asking++;
    try {
      const specified = await this.ask(id);
      this.#busy.delete(id);
      this.#doubted.delete(id);
      if (this.#wanted.delete(id)) this.#parts.found(specified);
    } catch (thrown) {
      this.#again(id, toPropagitError(thrown).message);
    }
    this.#asking--;
    this.#next();
  }

  #again(id: string, reason: string): void {
    const { clock, random, log } = this.#parts.world;
    const failures = (this.#wanted.get(id) ?? 0) + 1;
    if (this.#wanted.has(id)) this.#wanted.set(id, failures);
    if (failures === 1) log.warn(`how deployment ${id} is run is not known yet: ${reason}`);
    clock.after(backoffMs(backoff, failures, random.fraction()), () => {
      this.#busy.delete(id);
      this.#next();
    });
  }
}

function readConfig(
  { crypto }: Pick<World, "crypto">,
  { peer }: Conversation,
  hidden: string,
): Variables {
  const text = peer && crypto.decrypt(peer.sessionKey, hidden);
  const checked = check(variablesSchema, text === undefined ? undefined : parseJson(text));
  if (checked.ok) return checked.value;
  throw new PropagitError("BAD_FRAME", "the hub's settings of a deployment cannot be read");
}
