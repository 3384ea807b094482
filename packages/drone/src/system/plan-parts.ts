/**
 * What a drone needs for plans that relays carry out, on disk:
 *
 *     errands/RUN    what the hub said that a relay may ask of this drone
 *     plans/RUN/…    parts that this relay carries out, see `openFolderJournal`
 *     wishes/RUN     what the hub wanted of them last
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  check,
  delegationDroneMethods,
  delegationWishSchema,
  parseJson,
  type Credential,
  type DelegationWish,
  type Errands,
} from "@propagit/protocol";
import { openFolderJournal, toolBox } from "@propagit/plan";
import { Conversation, type Disk, type Wire } from "@propagit/runtime";
import type { DroneContext, MakePart } from "../drone-part.js";
import { ErrandDesk, type ErrandStore } from "../plan-errands.js";
import { PlanRelay, type PlanRelayParts, type WishStore } from "../plan-relay.js";
import { PlanTasks } from "../plan-tasks.js";

/** As the hub has it with its drones. */
const heartbeatMs = 5_000;
/** What a task says may hold anything; it is for the drone's owner only. */
const mode = 0o600;
const runPattern = /^[0-9a-f]{10,32}$/;

export interface PlanPartsOptions {
  readonly disk: Disk;
  /** The drone's data folder. */
  readonly folder: string;
  readonly credential: Credential;
  /** It takes other drones in, and parts of plans over. */
  readonly isRelay: boolean;
  /** The drone's own, which carry out its tasks. */
  readonly handlers: () => ConstructorParameters<typeof PlanTasks>[0];
}

export interface PlanPartsOfDrone {
  readonly makeParts: readonly MakePart[];
  /** Takes a drone's line to this relay; undefined where it is none. */
  readonly accept: ((wire: Wire) => void) | undefined;
}

/** Reads what an earlier life left. @throws DATA_UNUSABLE */
export async function planParts(options: PlanPartsOptions): Promise<PlanPartsOfDrone> {
  const { disk, folder, credential, isRelay, handlers } = options;
  const store = await DiskErrandStore.open(disk, join(folder, "errands"));
  const tasks = {
    run: (...given: Parameters<PlanTasks["run"]>) => new PlanTasks(handlers()).run(...given),
  };
  const relayParts = isRelay ? await openRelayParts({ disk, folder, tasks }) : undefined;
  let relay: PlanRelay | undefined;
  let context: DroneContext | undefined;
  const makeRelay: MakePart = (given) => {
    context = given;
    relay = new PlanRelay(given, relayParts as PlanRelayParts);
    return relay;
  };
  const makeErrands: MakePart = (given) => {
    const carryPart = relay?.carryPart;
    return new ErrandDesk(given, { store, tasks, credential, ...(carryPart && { carryPart }) });
  };
  const accept = (wire: Wire) => {
    if (!relay || !context) return wire.close();
    const side = { kind: "server", clusterKey: credential.key, heartbeatMs } as const;
    void new Conversation(context.world, wire, { side, handlers: relay.lineHandlers });
  };
  return {
    makeParts: [...(isRelay ? [makeRelay] : []), makeErrands],
    accept: isRelay ? accept : undefined,
  };
}

async function openRelayParts({
  disk,
  folder,
  tasks,
}: Pick<PlanPartsOptions, "disk" | "folder"> & Pick<PlanRelayParts, "tasks">) {
  const journal = await openFolderJournal(join(folder, "plans"));
  const wishes = new DiskWishes(disk, join(folder, "wishes"));
  return { journal, wishes, tasks, commands: toolBox };
}

class DiskErrandStore implements ErrandStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #all: Map<string, Errands>;

  private constructor(disk: Disk, folder: string, all: readonly Errands[]) {
    this.#disk = disk;
    this.#folder = folder;
    this.#all = new Map(all.map((one) => [one.run, one]));
  }

  static async open(disk: Disk, folder: string): Promise<DiskErrandStore> {
    const names = await readdir(folder).catch((): readonly string[] => []);
    const all: Errands[] = [];
    for (const name of names.filter((one) => runPattern.test(one))) {
      const { params } = delegationDroneMethods["drone.errands"];
      const found = check(params, parseJson((await disk.read(join(folder, name))) ?? ""));
      if (found.ok && found.value.run === name) all.push(found.value);
      else await disk.remove(join(folder, name));
    }
    return new DiskErrandStore(
      disk,
      folder,
      all.toSorted((left, right) => left.until - right.until),
    );
  }

  get all(): readonly Errands[] {
    return [...this.#all.values()];
  }

  async write(errands: Errands): Promise<void> {
    await this.#disk.writeAtomic(join(this.#folder, errands.run), JSON.stringify(errands), {
      mode,
    });
    this.#all.delete(errands.run);
    this.#all.set(errands.run, errands);
  }

  async remove(run: string): Promise<void> {
    if (!this.#all.delete(run)) return;
    await this.#disk.remove(join(this.#folder, run));
  }
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
}
