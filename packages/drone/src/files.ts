/**
 * Files that are pushed to places outside of the drone's own folder: one push at a time, so that two that mean
 * the same place follow each other and the later one stays.
 */
import {
  filesRepo,
  PropagitError,
  sendPieces,
  type FilesExample,
  type FilesPlace,
  type FilesProgress,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { DroneContext, DronePart } from "./drone-part.js";
import { Gate } from "./gate.js";
import type { CommitName } from "./world.js";

/** Places on this machine that files were pushed to, or may be. */
export interface Destinations {
  /**
   * Makes a folder hold what a commit says; the commit is here already.
   *
   * @throws FILES_REFUSED with nothing touched, DATA_UNUSABLE
   */
  push(request: FilesRequest, watch: FilesWatch): Promise<Pushed>;
  /** @throws FILES_REFUSED */
  status(path: string | undefined, options: StatusOptions): Promise<readonly FilesPlace[]>;
  /** Commits that the next push of a place is small with. */
  readonly inUse: readonly CommitName[];
}

export type FilesRequest = Omit<Params<"drone.files">, "carrier"> & {
  readonly carrier: CommitName;
};

export interface FilesWatch {
  readonly progress: (progress: FilesProgress) => void;
  /** Heard until the first file is put in place. */
  readonly signal: AbortSignal;
}

export interface StatusOptions {
  readonly verify: boolean;
  readonly signal: AbortSignal;
}

export interface Pushed {
  readonly path: string;
  readonly changes: Result<"drone.files">["changes"];
  readonly examples: readonly FilesExample[];
}

/** Pushes that wait for their turn; a guess, far above what people do at the same time. */
const waitingMax = 64;
/** Progress is told no more often than this. */
const progressMs = 250;

export class FilesDesk implements DronePart {
  readonly #context: DroneContext;
  readonly #destinations: Destinations;
  readonly #hold: (name: CommitName) => () => void;
  readonly #gate = new Gate(1);
  #waiting = 0;

  /** @param hold keeps a commit on disk until what is returned is called */
  constructor(
    context: DroneContext,
    destinations: Destinations,
    hold: (name: CommitName) => () => void,
  ) {
    this.#context = context;
    this.#destinations = destinations;
    this.#hold = hold;
  }

  readonly handlers: Handlers = {
    "drone.files": (params, call) => this.#push(params, call),
    "drone.files-status": async ({ path, verify }, { part, signal }) => {
      const places = await this.#gate.pass(signal, () =>
        this.#destinations.status(path, { verify, signal }),
      );
      return { places: sendPieces(places, part) };
    },
  };

  readonly commitsInUse = (): readonly CommitName[] => this.#destinations.inUse;

  async #push(
    params: Params<"drone.files">,
    call: IncomingCall<"drone.files">,
  ): Promise<Result<"drone.files">> {
    if (this.#waiting >= waitingMax) {
      throw new PropagitError("OVERLOADED", `${waitingMax} pushes of files wait on this drone`);
    }
    this.#waiting++;
    try {
      call.part({ phase: "waiting", done: 0, of: 0 });
      return await this.#gate.pass(call.signal, () => this.#pushInTurn(params, call));
    } finally {
      this.#waiting--;
    }
  }

  async #pushInTurn(
    params: Params<"drone.files">,
    { part, signal }: IncomingCall<"drone.files">,
  ): Promise<Result<"drone.files">> {
    const { world, source, tidySoon } = this.#context;
    const carrier = { repo: filesRepo, commit: params.carrier };
    const letGo = this.#hold(carrier);
    try {
      part({ phase: "fetching", done: 0, of: 0 });
      await world.commits.fetch(carrier, () => source(filesRepo), signal);
      const progress = this.#paced(part);
      const pushed = await this.#destinations.push({ ...params, carrier }, { progress, signal });
      const { changes, path, examples } = pushed;
      if (!params.dryRun) {
        const { added, changed, removed } = changes;
        world.log.info(
          `${path}: files pushed by ${params.by}: ${added} added, ${changed} changed, ${removed} removed`,
        );
      }
      return { path, changes, examples: [...examples] };
    } finally {
      letGo();
      tidySoon();
    }
  }

  /** The first of each phase at once. */
  #paced(part: (progress: FilesProgress) => void): (progress: FilesProgress) => void {
    const { clock } = this.#context.world;
    let last: { readonly phase: string; readonly at: number } | undefined;
    return (progress) => {
      const at = clock.monotonic();
      if (last?.phase === progress.phase && at - last.at < progressMs) return;
      last = { phase: progress.phase, at };
      part(progress);
    };
  }
}
