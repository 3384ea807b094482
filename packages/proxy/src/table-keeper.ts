/**
 * Owns the table: takes what hub and registry tell, passes it on to other threads that serve by it, and keeps
 * the last good copy on disk.
 *
 *     hub, registry, drain --> feed --> table
 *                                |----> listeners, in order (workers, who waits for a change)
 *                                `----> disk, a moment later
 */
import { toPropagitError, type BookUpdate, type EndpointUpdate } from "@propagit/protocol";
import type { Timer, World } from "@propagit/runtime";
import { RouteTable, type TableOptions } from "./core/route-table.js";
import { decodeTable, encodeTable, type SavedTable } from "./core/saved-table.js";
import { takeFeed, type Feed } from "./feed.js";

/** A burst of changes is written once; a crash within that time costs only what came in it. */
const saveMs = 500;
/** Time between two saves as a multiple of what one takes: at most a fiftieth of the processor goes into them. */
const restPerSave = 50;
/** Position of what this proxy tells its own threads; they look at none. */
const nowhere = { epoch: "proxy", revision: 0 } as const;

export class TableKeeper {
  readonly #world: World;
  readonly #path: string;
  readonly #options: TableOptions;
  readonly #listeners = new Set<(feed: Feed) => void>();
  #table: RouteTable;
  #standalone: Feed | undefined;
  #saveTimer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();
  #saveAtMs = Number.NEGATIVE_INFINITY;
  #isSaveFailing = false;

  constructor(world: World, dataFolder: string, options: TableOptions) {
    this.#world = world;
    this.#path = `${dataFolder}/table.json`;
    this.#options = options;
    this.#table = new RouteTable(options);
  }

  get table(): RouteTable {
    return this.#table;
  }

  /** Whether there are routes to go by, fresh or kept. */
  get hasBook(): boolean {
    return this.#table.hasBook;
  }

  /** Takes up the table of an earlier life, if there is a good one; before anybody listens. */
  async load(): Promise<void> {
    const content = await this.#world.disk.read(this.#path);
    if (content === undefined) return;
    const saved = decodeTable(content);
    if (!saved.ok) {
      this.#world.log.warn(`the saved table ${this.#path} is not used: it ${saved.reason}`);
      return;
    }
    this.#table = RouteTable.restore(saved.value, this.#options);
    const { routes, deployments } = saved.value.book;
    // A proxy without a hub keeps endpoints only: its routes are its own.
    if (routes.length === 0 && deployments.length === 0) return;
    const counted = `${count(routes, "route")}, ${count(deployments, "running commit")}`;
    this.#world.log.info(`starts with the saved table: ${counted}`);
  }

  takeBook(update: BookUpdate): void {
    this.#take({ kind: "book", update });
  }

  takeUpdate(update: EndpointUpdate): void {
    this.#take({ kind: "endpoints", updates: [update] });
  }

  /** Routes of a command line; see `parseStandaloneRoute`. */
  takeStandalone(routes: readonly string[]): void {
    this.#standalone = { kind: "standalone", routes };
    this.#take(this.#standalone);
  }

  /** These endpoints go away: nobody new is sent there. */
  leave(addresses: ReadonlySet<string>): void {
    this.#take({ kind: "leave", addresses });
  }

  /** Called after each step was taken. */
  onFeed(listener: (feed: Feed) => void): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  /** What a thread is told first: then it knows what is known here. */
  feeds(): readonly Feed[] {
    const { book, endpoints } = this.#table.snapshot();
    const known: Feed = { kind: "endpoints", updates: [settledSnapshot(endpoints)] };
    const { position } = this.#table;
    const routes = this.#standalone ? [this.#standalone] : [];
    // The rest of a snapshot that is under way is told to that thread as to this one.
    const pieces = this.#table.pieces.map((update): Feed => ({ kind: "book", update }));
    const leave: Feed = { kind: "leave", addresses: this.#table.leaving };
    if (!position) return [...routes, ...pieces, known, leave];
    const update = { kind: "snapshot", ...book, book: position.book ?? "" } as const;
    return [...routes, { kind: "book", update }, ...pieces, known, leave];
  }

  /** Saves the table as it is now, for whoever starts with it. */
  async save(): Promise<void> {
    this.#save();
    await this.#saving;
  }

  /** Saves what is not saved yet and ends. */
  async stop(): Promise<void> {
    if (this.#saveTimer) this.#save();
    await this.#saving;
  }

  #take(feed: Feed): void {
    takeFeed(this.#table, feed, this.#world.clock.monotonic());
    const told = this.#forThreads(feed);
    for (const listener of this.#listeners) listener(told);
    this.#saveSoon();
  }

  /** A thread that began later takes all it was told for confirmed; what is left of it is told it whole. */
  #forThreads(feed: Feed): Feed {
    if (feed.kind !== "endpoints") return feed;
    if (!feed.updates.some(({ kind }) => kind === "settled")) return feed;
    return { kind: "endpoints", updates: [settledSnapshot(this.#table.snapshot().endpoints)] };
  }

  #saveSoon(): void {
    const inMs = Math.max(saveMs, this.#saveAtMs - this.#world.clock.monotonic());
    this.#saveTimer ??= this.#world.clock.after(inMs, () => this.#save());
  }

  #save(): void {
    this.#saveTimer?.cancel();
    this.#saveTimer = undefined;
    // One after the other: an older table must not be written over a newer one.
    this.#saving = this.#saving.then(() => this.#write());
  }

  async #write(): Promise<void> {
    // Endpoints without routes are of no use, and a book must not be written as empty for lack of one.
    if (!this.hasBook) return;
    const { clock, disk, log } = this.#world;
    const startMs = clock.monotonic();
    const text = encodeTable(this.#table.snapshot());
    const endMs = clock.monotonic();
    this.#saveAtMs = endMs + (endMs - startMs) * restPerSave;
    try {
      await disk.writeAtomic(this.#path, text);
      this.#isSaveFailing = false;
    } catch (thrown) {
      if (!this.#isSaveFailing) {
        const { message } = toPropagitError(thrown);
        log.warn(`the table is not saved: ${message}; serves on, tries again`);
      }
      this.#isSaveFailing = true;
    }
  }
}

function count({ length }: readonly unknown[], what: string): string {
  return `${length} ${what}${length === 1 ? "" : "s"}`;
}

function settledSnapshot(endpoints: SavedTable["endpoints"]): EndpointUpdate {
  return { kind: "snapshot", at: nowhere, settled: true, endpoints: [...endpoints] };
}
