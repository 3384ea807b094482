/**
 * What a drone needs for plans that relays carry out:
 *
 *     errands/RUN    on disk: what the hub said that a relay may ask of this drone
 *
 * What a relay needs beside it is loaded by relays only (`relay-plans.ts`): a drone is on every machine.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  check,
  delegationDroneMethods,
  parseJson,
  type Credential,
  type Errands,
} from "@propagit/protocol";
import type { Disk, Wire } from "@propagit/runtime";
import type { MakePart } from "../drone-part.js";
import { ErrandDesk, type ErrandStore } from "../plan-errands.js";
import { PlanTasks } from "../plan-tasks.js";
import type { RelayPlans, RelayPlansOptions } from "./relay-plans.js";

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
    recall: (...given: Parameters<PlanTasks["recall"]>) =>
      new PlanTasks(handlers()).recall(...given),
  };
  const relay = isRelay ? await openRelay({ disk, folder, credential, tasks }) : undefined;
  const makeErrands: MakePart = (given) => {
    const carrier = relay?.carrier();
    return new ErrandDesk(given, { store, tasks, credential, ...(carrier && { carrier }) });
  };
  return {
    makeParts: [...(relay ? [relay.make] : []), makeErrands],
    accept: relay?.accept,
  };
}

async function openRelay(options: RelayPlansOptions): Promise<RelayPlans> {
  const { openRelayPlans } = await import("./relay-plans.js");
  return openRelayPlans(options);
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
