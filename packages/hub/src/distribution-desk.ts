/**
 * Whoever looks on at a release sees how its bytes travel, as long as that takes more than a moment:
 *
 *     shares change -> (paced) -> counted -> told       the release ends -> counted -> told -> over
 */
import {
  environmentDefault,
  parseRepoName,
  type Distribution,
  type Params,
  type Result,
  type SwarmView,
} from "@propagit/protocol";
import { aborted, type Clock, type IncomingCall, type Timer } from "@propagit/runtime";
import type { Assignments } from "./assignments.js";
import type { MakingArtifact } from "./artifacts.js";
import { DistributionCount, nothingTravels } from "./core/distribution.js";
import { DistributionLines } from "./core/distribution-lines.js";
import { releaseKey } from "./core/rows.js";
import type { Ledger } from "./ledger.js";
import { Paced } from "./paced.js";
import type { ReleaseName } from "./rollout-queues.js";

/** What is known of artifacts, in memory. */
export interface SwarmSource {
  /** Newest first; of one repository when it is given. */
  views(repo?: string): readonly SwarmView[];
  /** What is being made of a repository. */
  making(repo: string): readonly MakingArtifact[];
  /** Somebody came nearer to an artifact, came, or went, or one begins to be made. */
  listen(listener: { readonly changed: (repo: string, artifact: string) => void }): {
    stop(): void;
  };
}

export interface DistributionParts {
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, "rows" | "listen">;
  readonly assignments: Pick<Assignments, "wantedOf">;
  readonly swarm: SwarmSource;
}

/** What is over in that time needs no bar. */
const momentMs = 1_000;
/** Between two parts; of very many drones, of which each look takes a few microseconds, longer. */
const restMsMin = 500;
const restMsPerDrone = 0.1;
/** Also without news: that nothing comes any more is news, too. */
const stillMs = 2_000;

export class DistributionDesk {
  readonly #parts: DistributionParts;

  constructor(parts: DistributionParts) {
    this.#parts = parts;
  }

  /** Until the release has ended, or the caller has had enough. */
  async follow(
    { repo, environment = environmentDefault, release }: Params<"hub.distribution">,
    { part, signal }: Pick<IncomingCall<"hub.distribution">, "part" | "signal">,
  ): Promise<Result<"hub.distribution">> {
    const watch = this.watch({ repo: parseRepoName(repo), environment, release }, part);
    await Promise.race([watch.over, aborted(signal)]);
    watch.stop();
    return {};
  }

  /** Tells of a release until it has ended. */
  watch(release: ReleaseName, tell: (distribution: Distribution) => void): DistributionWatch {
    return new DistributionWatch(this.#parts, release, tell);
  }
}

export class DistributionWatch {
  /** Resolves when the release has ended; at once when it is over already. */
  readonly over: Promise<void>;
  readonly #parts: DistributionParts;
  readonly #release: ReleaseName;
  readonly #tell: (distribution: Distribution) => void;
  readonly #lines = new DistributionLines();
  readonly #paced: Paced;
  readonly #listening: readonly { stop(): void }[];
  #count: DistributionCount | undefined;
  /** Of those that it is for; told anew at each look. */
  #names: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;
  #isShown = false;
  #wasOver = false;
  /** That something is packed was told last. */
  #isPacking = false;
  #end!: () => void;

  constructor(
    parts: DistributionParts,
    release: ReleaseName,
    tell: (distribution: Distribution) => void,
  ) {
    this.#parts = parts;
    this.#release = release;
    this.#tell = tell;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#paced = new Paced(
      parts.clock,
      () => Math.max(restMsMin, parts.ledger.rows("drones").size * restMsPerDrone),
      () => this.#look(),
    );
    this.#listening = [
      parts.swarm.listen({
        changed: (repo) => {
          if (repo === release.repo) this.#paced.ask();
        },
      }),
      parts.ledger.listen({
        changed: (tables) => {
          if (tables.has("rollouts") && !this.#row) this.#finish();
        },
        happened: () => undefined,
      }),
    ];
    if (this.#row) this.#paced.ask();
    else this.#finish();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#paced.stop();
    for (const each of this.#listening) each.stop();
    this.#end();
  }

  get #row() {
    const { repo, environment, release } = this.#release;
    return this.#parts.ledger.rows("rollouts").get(releaseKey(repo, environment, release));
  }

  #finish(): void {
    if (this.#isShown) this.#look();
    this.stop();
  }

  #look(): void {
    this.#timer?.cancel();
    const { clock, swarm } = this.#parts;
    const count = this.#counting();
    const now = clock.now();
    const { repo } = this.#release;
    const travel = count?.look(swarm.views(repo), now, swarm.making(repo));
    const distribution = travel ?? this.#packed(now);
    if (!distribution) return;
    if (!this.#isShown && distribution.over) return;
    const tookMs = now - distribution.since;
    if (!this.#isShown && tookMs < momentMs) return this.#lookAgain(momentMs - tookMs);
    this.#isShown = true;
    this.#isPacking = distribution.packing !== undefined;
    if (!distribution.over) this.#lookAgain(stillMs);
    if (distribution.over && this.#wasOver) return;
    this.#wasOver = distribution.over;
    const line = this.#lines.next(distribution);
    this.#tell({ ...distribution, ...(line !== undefined && { line }) });
  }

  /** What was packed went nowhere: that it is packed is no longer to be seen. */
  #packed(now: number): Distribution | undefined {
    return this.#isPacking ? nothingTravels(now) : undefined;
  }

  #lookAgain(inMs: number): void {
    this.#timer = this.#parts.clock.after(inMs, () => this.#paced.ask());
  }

  /** Undefined until it is known what the drones check out, which the build may have to make first. */
  #counting(): DistributionCount | undefined {
    const { ledger, assignments } = this.#parts;
    const row = this.#row;
    const deployment = row && ledger.rows("deployments").get(row.deployment);
    // At its end the row is gone; the drones are those of the last look.
    if (!row || !deployment?.artifact || !deployment.started) return this.#count;
    const drones = [...ledger.rows("drones").values()];
    const wanted = drones.filter(
      ({ identity }) => assignments.wantedOf(row.deployment, identity).size > 0,
    );
    this.#names = new Set(wanted.map(({ name }) => name));
    this.#count ??= new DistributionCount({
      commit: deployment.artifact,
      acceptedAt: row.acceptedAt,
      isFor: (drone) => this.#names.has(drone),
    });
    return this.#count;
  }
}
