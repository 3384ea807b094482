/**
 * What a relay needs to carry parts of plans out, on disk:
 *
 *     plans/RUN/…    parts that this relay carries out, see `openFolderJournal`
 *     wishes/RUN     what the hub wanted of them last
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  check,
  delegationWishSchema,
  parseJson,
  type Credential,
  type DelegationWish,
} from "@propagit/protocol";
import { openFolderJournal, toolBox } from "@propagit/plan";
import { Conversation, type Disk, type Wire } from "@propagit/runtime";
import type { DroneContext, MakePart } from "../drone-part.js";
import type { PartCarrier } from "../plan-errands.js";
import { PlanRelay, type PlanRelayParts, type WishStore } from "../plan-relay.js";

/** As the hub has it with its drones. */
const heartbeatMs = 5_000;
/** As of errands. */
const mode = 0o600;

export interface RelayPlansOptions extends Pick<PlanRelayParts, "tasks"> {
  readonly disk: Disk;
  /** The drone's data folder. */
  readonly folder: string;
  readonly credential: Credential;
}

export interface RelayPlans {
  readonly make: MakePart;
  /** Takes a drone's line to this relay. */
  readonly accept: (wire: Wire) => void;
  /** Of the part, once it is made. */
  readonly carrier: () => PartCarrier | undefined;
}

/** Reads what an earlier life left. @throws DATA_UNUSABLE */
export async function openRelayPlans(options: RelayPlansOptions): Promise<RelayPlans> {
  const { disk, folder, credential, tasks } = options;
  const journal = await openFolderJournal(join(folder, "plans"));
  const wishes = new DiskWishes(disk, join(folder, "wishes"));
  let relay: PlanRelay | undefined;
  let context: DroneContext | undefined;
  return {
    make: (given) => {
      context = given;
      relay = new PlanRelay(given, { journal, wishes, tasks, commands: toolBox });
      return relay;
    },
    accept: (wire) => {
      if (!relay || !context) return wire.close();
      const side = { kind: "server", clusterKey: credential.key, heartbeatMs } as const;
      void new Conversation(context.world, wire, { side, handlers: relay.lineHandlers });
    },
    carrier: () => relay,
  };
}

class DiskWishes implements WishStore {
  readonly #disk: Disk;
  readonly #folder: string;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  async read(run: string): Promise<DelegationWish | undefined> {
    const text = (await this.#disk.read(join(this.#folder, run))) ?? "";
    const found = check(delegationWishSchema, parseJson(text));
    return found.ok ? found.value : undefined;
  }

  async write(run: string, wish: DelegationWish): Promise<void> {
    await this.#disk.writeAtomic(join(this.#folder, run), JSON.stringify(wish), { mode });
  }

  async keep(runs: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#folder).catch((): readonly string[] => []);
    for (const name of names) {
      if (!runs.has(name)) await this.#disk.remove(join(this.#folder, name));
    }
  }
}
