/** Owns the table: takes changes, arranges it for looking up, and keeps the last good copy on disk. */
import {
  deploymentMetaKey,
  toPropagitError,
  type Endpoint,
  type EndpointUpdate,
  type RouteBook,
} from "@propagit/protocol";
import type { Timer, World } from "@propagit/runtime";
import {
  noEndpoints,
  rememberedTable,
  stepEndpoints,
  type EndpointTable,
} from "./core/endpoint-table.js";
import { switchRoutes, type FormerShares } from "./core/route-switch.js";
import { buildTable, type RouteTable } from "./core/route-table.js";
import { decodeTable, encodeTable } from "./core/saved-table.js";
import { keepNames, learnNames, type ServiceNames } from "./core/service-names.js";

/** A burst of changes is written once; a crash within that time costs only what came in it. */
const saveMs = 500;
/** Time between builds as a multiple of what one takes: at most a tenth of the processor goes into them. */
const restPerBuild = 9;
const emptyBook: RouteBook = { revision: 0, routes: [], deployments: [] };

export class TableKeeper {
  readonly #world: World;
  readonly #path: string;
  readonly #changed: () => void;
  #book: RouteBook | undefined;
  #endpoints: EndpointTable = noEndpoints;
  #names: ServiceNames = new Map();
  /** Updates that are not in `#endpoints` yet. */
  #pending: EndpointUpdate[] = [];
  #former: FormerShares = new Map();
  #table: RouteTable = buildTable(emptyBook, { endpoints: [] });
  #isStale = false;
  #buildAtMs = Number.NEGATIVE_INFINITY;
  #saveTimer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();
  #isSaveFailing = false;

  /** @param changed called after every change; the new table is built when it is asked for */
  constructor(world: World, dataFolder: string, changed: () => void) {
    this.#world = world;
    this.#path = `${dataFolder}/table.json`;
    this.#changed = changed;
  }

  /** Whether there are routes to go by, fresh or kept. */
  get hasBook(): boolean {
    return this.#book !== undefined;
  }

  /** Built at a look after a change, so that a burst costs little; in a large cluster a moment late. */
  get table(): RouteTable {
    if (this.#isStale && this.#world.clock.monotonic() >= this.#buildAtMs) this.#build();
    return this.#table;
  }

  /** Takes up the table of an earlier life, if there is a good one. */
  async load(): Promise<void> {
    const content = await this.#world.disk.read(this.#path);
    if (content === undefined) return;
    const saved = decodeTable(content);
    if (!saved.ok) {
      this.#world.log.warn(`the saved table ${this.#path} is not used: it ${saved.reason}`);
      return;
    }
    this.#book = saved.value.book;
    this.#endpoints = rememberedTable(saved.value.endpoints);
    this.#names = saved.value.names;
    this.#isStale = true;
    const { routes, deployments } = saved.value.book;
    const counted = `${routes.length} routes, ${deployments.length} running commits`;
    this.#world.log.info(`starts with the saved table: ${counted}`);
  }

  takeBook(book: RouteBook): void {
    const now = this.#world.clock.monotonic();
    this.#former = switchRoutes(this.#former, this.#book, book, now);
    this.#book = book;
    this.#forget(book);
    this.#change();
  }

  takeUpdate(update: EndpointUpdate): void {
    this.#pending.push(update);
    this.#change();
  }

  /** Saves what is not saved yet and ends. */
  async stop(): Promise<void> {
    if (this.#saveTimer) this.#save();
    await this.#saving;
  }

  #build(): void {
    const { clock } = this.#world;
    const startMs = clock.monotonic();
    this.#catchUp();
    const endpoints = this.#endpoints.endpoints.values();
    const parts = { endpoints, names: this.#names, former: this.#former };
    this.#table = buildTable(this.#book ?? emptyBook, parts);
    this.#isStale = false;
    const endMs = clock.monotonic();
    this.#buildAtMs = endMs + (endMs - startMs) * restPerBuild;
  }

  #forget({ routes, deployments }: RouteBook): void {
    const keys = new Set<string | undefined>();
    for (const { commit, deployment } of routes.flatMap(({ shares }) => shares)) {
      keys.add(commit).add(deployment);
    }
    for (const { commit, id } of deployments) keys.add(commit).add(id);
    for (const { commit, meta } of this.#endpoints.endpoints.values()) {
      keys.add(commit).add(meta[deploymentMetaKey]);
    }
    this.#names = keepNames(this.#names, keys);
  }

  #catchUp(): void {
    // What came and went again within one burst has a name too.
    const seen = this.#pending.flatMap(endpointsOf);
    this.#endpoints = stepEndpoints(this.#endpoints, this.#pending);
    this.#names = learnNames(this.#names, seen);
    this.#pending = [];
  }

  #change(): void {
    this.#isStale = true;
    this.#saveTimer ??= this.#world.clock.after(saveMs, () => this.#save());
    this.#changed();
  }

  #save(): void {
    this.#saveTimer?.cancel();
    this.#saveTimer = undefined;
    // One after the other: an older table must not be written over a newer one.
    this.#saving = this.#saving.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const book = this.#book;
    // Endpoints without routes are of no use, and a book must not be written as empty for lack of one.
    if (!book) return;
    this.#catchUp();
    const endpoints = [...this.#endpoints.endpoints.values()];
    try {
      await this.#world.disk.writeAtomic(
        this.#path,
        encodeTable({ book, endpoints, names: this.#names }),
      );
      this.#isSaveFailing = false;
    } catch (thrown) {
      if (!this.#isSaveFailing) {
        const { message } = toPropagitError(thrown);
        this.#world.log.warn(`the table is not saved: ${message}; serves on, tries again`);
      }
      this.#isSaveFailing = true;
    }
  }
}

function endpointsOf(update: EndpointUpdate): readonly Endpoint[] {
  switch (update.kind) {
    case "snapshot":
      return update.endpoints;
    case "up":
      return [update.endpoint];
    case "down":
    case "settled":
      return [];
    default:
      update satisfies never;
      return [];
  }
}
