/** What the registry shows of one instance: the records that the drone makes, and those the app makes itself. */
import type { Endpoint } from "@propagit/protocol";
import { recordName } from "./core/instance-report.js";
import type { InstanceIdentity, InstanceState } from "./core/instance-state.js";
import type { RecordPlace, RegistryDesk } from "./registry-desk.js";
import type { DroneWorld } from "./world.js";

export interface RecordsContext {
  readonly world: Pick<DroneWorld, "random">;
  readonly desk: RegistryDesk;
  readonly drone: () => string;
  readonly zone: string | undefined;
}

export interface RecordsPlaces {
  readonly version: string;
  readonly host: string;
  readonly places: readonly RecordPlace[];
}

export class InstanceRecords {
  readonly #context: RecordsContext;
  readonly #process: string;
  /** Ids of an earlier life, until they are made again as they were. */
  #former: readonly string[] = [];

  constructor(context: RecordsContext, process: string) {
    this.#context = context;
    this.#process = process;
  }

  /** Those that an earlier life made. */
  adopt(ids: readonly string[]): void {
    this.#former = ids;
    this.#context.desk.remember(this.#process, ids);
  }

  /** One for each port; with new ids, but for those of an earlier life. */
  placesOf({ ports, identity, rules }: InstanceState): readonly RecordPlace[] {
    const { random } = this.#context.world;
    const former = this.#former;
    this.#former = [];
    return rules.ports.flatMap(({ name }, index) => {
      const port = ports[name];
      if (port === undefined) return [];
      const service = recordName(identity.service, name, index);
      return [{ id: former[index] ?? random.hex(32), service, port }];
    });
  }

  /** Resolves when they are there, however long the registry is away. */
  register(
    { process, deployment, commit }: InstanceIdentity,
    { version, host, places }: RecordsPlaces,
  ): Promise<void> {
    const { desk, drone, zone } = this.#context;
    const names = { process, deployment, commit, drone: drone(), zone };
    return desk.register({ ...names, version, host, records: places });
  }

  free(): Promise<void> {
    return this.#context.desk.free(this.#process);
  }

  /** Those that the app made itself and that still hold. */
  announced(): readonly Endpoint[] {
    return this.#context.desk.announced(this.#process);
  }

  /** The process has ended; whether records of an earlier life are left that nobody made again. */
  outlive(): "some are left" | "none is left" {
    this.#context.desk.outlive(this.#process);
    const left = this.#former.length > 0;
    this.#former = [];
    return left ? "some are left" : "none is left";
  }
}
