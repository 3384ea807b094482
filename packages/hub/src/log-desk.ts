/** `hub.logs`: what instances say, asked of every drone that may have it and merged by time. */
import {
  parseRepoName,
  PropagitError,
  quote,
  toPropagitError,
  type InstanceReport,
  type LogLine,
  type LogQuery,
  type Params,
  type Result,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { chooseDrones } from "./core/drone-target.js";
import { LogMerge, partsOf } from "./core/log-merge.js";
import { loggedReleases, refusalOfLogs } from "./core/log-refusal.js";
import { checkRepo } from "./deployed.js";
import { byName } from "./fleet-view.js";
import type { Fleet, Member } from "./fleet.js";
import { inParallel } from "./in-parallel.js";
import type { Ledger } from "./ledger.js";
import { LogFollowing, namedLines } from "./log-following.js";
import type { HubWorld } from "./world.js";

type LogCall = IncomingCall<"hub.logs">;

/** Lines when nobody says how many. */
const lastDefault = 100;
/** Callers answered at a time: each is a call on every drone, which must have some left for its tasks. */
const callersMax = 400;
/** Drones asked at a time: each may answer with as many lines as are wanted altogether. */
const askedAtOnce = 64;
/** A drone that is slower is left out, and named; what it said until then is shown. */
const answerMsMax = 5_000;
/** Characters held for one caller; a guess, far above what anybody reads. */
const charsMax = 32 * 1024 * 1024;
/** Bytes on their way to the caller above which it is waited until it has read some. */
const bufferedBytesMax = 4 * 1024 * 1024;
const drainMs = 50;

export class LogDesk {
  readonly #world: HubWorld;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  #callers = 0;

  constructor(world: HubWorld, ledger: Ledger, fleet: Fleet) {
    this.#world = world;
    this.#ledger = ledger;
    this.#fleet = fleet;
  }

  /** @throws BAD_NAME, BAD_PATTERN, NO_REPO, NO_RELEASE, NO_SERVICE, NO_PLACE, OVERLOADED */
  async logs(params: Params<"hub.logs">, call: LogCall): Promise<Result<"hub.logs">> {
    if (this.#callers >= callersMax) {
      throw new PropagitError("OVERLOADED", `${callersMax} callers read output already`);
    }
    this.#callers++;
    try {
      return await this.#answer(params, call);
    } finally {
      this.#callers--;
    }
  }

  async #answer(
    { drones, repo, ...rest }: Params<"hub.logs">,
    call: LogCall,
  ): Promise<Result<"hub.logs">> {
    const asked: LogQuery = {
      ...rest,
      ...(repo !== undefined && { repo: parseRepoName(repo) }),
      last: rest.last ?? lastDefault,
    };
    checkGrep(asked.grep);
    const query = this.#ofDeployments(asked);
    const choose = () =>
      chooseDrones(drones, byName(this.#fleet.members)).filter(({ contact }) => contact !== "left");
    if (query.follow) {
      await this.#refuse(asked);
      return this.#follow(query, choose, call);
    }
    const { lines, missing } = await this.#history(query, choose(), call);
    // Drones remember longer than their hub, and a new hub nothing at all.
    if (lines.length === 0) await this.#refuse(asked);
    await this.#send(lines, call);
    return { missing };
  }

  /** Instances go on when a later release runs the very same, and say more than for the one they started with. */
  #ofDeployments(query: LogQuery): LogQuery {
    const { release, ...rest } = query;
    if (release === undefined) return query;
    const rows = loggedReleases(query, this.#ledger.rows("releases").values());
    if (rows.length === 0) return query;
    return { ...rest, deployments: [...new Set(rows.map(({ deployment }) => deployment))] };
  }

  /** @throws NO_REPO, NO_RELEASE, NO_SERVICE */
  async #refuse(query: LogQuery): Promise<void> {
    const { repo } = query;
    if (repo !== undefined) await checkRepo(this.#world, this.#ledger, parseRepoName(repo));
    const releases = loggedReleases(query, this.#ledger.rows("releases").values());
    const reports = this.#fleet.members.flatMap(({ instances }) => [...instances.values()]);
    const own = [...this.#ledger.rows("drones").values()].map(({ service }) => service);
    const spawned = [...this.#ledger.rows("spawned").values()].map(({ service }) => service.name);
    const others = [
      ...reports.filter((report) => repo === undefined || report.repo === repo).map(serviceOf),
      ...own.filter((service) => service !== undefined),
      ...spawned,
    ];
    const refusal = refusalOfLogs(query, releases, others);
    if (refusal) throw refusal;
  }

  async #history(
    query: LogQuery,
    members: readonly Member[],
    call: LogCall,
  ): Promise<Result<"hub.logs"> & { readonly lines: readonly LogLine[] }> {
    const merge = new LogMerge({ linesMax: query.last ?? lastDefault, charsMax });
    const missing: Result<"hub.logs">["missing"] = [];
    await inParallel(members, askedAtOnce, async ({ identity, name }) => {
      try {
        await this.#fleet.call(identity, "drone.logs", query, {
          limitMs: answerMsMax,
          signal: call.signal,
          onPart: (lines) => merge.add(identity, namedLines(lines, name)),
        });
      } catch (thrown) {
        missing.push({ drone: name, reason: toPropagitError(thrown).message.slice(0, 500) });
      }
    });
    const lost = merge.takeLost();
    return {
      lines: [...(lost ? [lost] : []), ...merge.takeAll()],
      missing: missing.sort((left, right) => (left.drone < right.drone ? -1 : 1)),
    };
  }

  async #follow(
    query: LogQuery,
    choose: () => readonly Member[],
    call: LogCall,
  ): Promise<Result<"hub.logs">> {
    choose();
    const following = new LogFollowing(this.#world, this.#fleet, {
      query,
      choose,
      charsMax,
      signal: call.signal,
    });
    await following.run(async (lines) => this.#send(lines, call));
    return { missing: [] };
  }

  /** Sends lines as fast as the caller reads them. */
  async #send(lines: readonly LogLine[], call: LogCall): Promise<void> {
    for (const part of partsOf(lines)) {
      await this.#drained(call);
      if (call.signal.aborted) return;
      call.part(part);
    }
  }

  async #drained({ conversation, signal }: LogCall): Promise<void> {
    while (conversation.bufferedBytes > bufferedBytesMax && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#world.clock.after(drainMs, resolve);
      });
    }
  }
}

function serviceOf({ service }: InstanceReport): string {
  return service;
}

/** Said once here, rather than by each drone. @throws BAD_PATTERN */
function checkGrep(grep: string | undefined): void {
  try {
    RegExp(grep ?? "");
  } catch (thrown) {
    const why = (thrown as Error).message.replace(/^.*: /, "").toLowerCase();
    throw new PropagitError("BAD_PATTERN", `${quote(grep ?? "")} is no regular expression: ${why}`);
  }
}
