/**
 * Desks of releases, settings and retention with a ledger of their own, and rollouts that succeed at once:
 * what they are asked is remembered, and stands in the ledger as the real ones would leave it.
 */
import { createHash } from "node:crypto";
import type {
  CommitHash,
  MethodName,
  Part,
  RolloutProgress,
  RolloutResult,
} from "@propagit/protocol";
import { nodeCrypto, SimClock, silentLog, type IncomingCall } from "@propagit/runtime";
import { openMemoryStore, type Store } from "@propagit/store";
import { environmentOf } from "../../src/core/deployment-edits.js";
import { Draft } from "../../src/core/draft.js";
import { sendVisitors } from "../../src/core/route-edits.js";
import { placeKey, releaseKey, type ReleaseRow, type RolloutRow } from "../../src/core/rows.js";
import { Ledger } from "../../src/ledger.js";
import { ReleaseDesk } from "../../src/release-desk.js";
import type { Asker, ReleaseRequest } from "../../src/rollout-request.js";
import { SettingsDesk } from "../../src/settings-desk.js";
import { SimRepositories } from "./sim-repositories.js";

export const sessionKey = "5e".repeat(32);
const settingsKey = "a1".repeat(32);

export interface DeskBench {
  readonly clock: SimClock;
  readonly ledger: Ledger;
  readonly repositories: SimRepositories;
  readonly requests: readonly ReleaseRequest[];
  readonly releases: ReleaseDesk;
  readonly settings: SettingsDesk;
  /** A commit on `main` with these files, and its deploy. */
  deploy(name: string, manifest?: string): Promise<RolloutResult>;
  /** A release on its way that does not end. */
  startRollout(changes?: Partial<RolloutRow>): Promise<void>;
  row(number: number): ReleaseRow;
}

export async function makeDeskBench(store: Store = openMemoryStore()): Promise<DeskBench> {
  const clock = new SimClock(1_000_000);
  const ledger = await Ledger.open(store, clock);
  const repositories = new SimRepositories();
  const requests: ReleaseRequest[] = [];
  const world = { clock, repositories, crypto: nodeCrypto, settingsKey, log: silentLog };
  const start = async (request: ReleaseRequest, { onPart }: Asker): Promise<RolloutResult> => {
    requests.push(request);
    const row = rowOf(request, environmentOf(ledger, request.repo, request.environment));
    const { repo, environment, number, commit } = row;
    onPart({ kind: "accepted", at: 1, repo, environment, release: number, commit });
    const promoted = request.promote ?? request.specification.promote === "always";
    await ledger.change(() => {
      const draft = new Draft(ledger);
      request.alongside?.(draft);
      finish(draft, row, promoted, clock.now());
      return draft.change;
    });
    const outcome = "ready" as const;
    return { repo, environment, release: number, commit, outcome, promoted, drones: [], hosts: [] };
  };
  const releases = new ReleaseDesk(world, ledger, { start });
  const settings = new SettingsDesk(world, ledger, releases);
  return {
    clock,
    ledger,
    repositories,
    requests,
    releases,
    settings,
    deploy: (name, manifest) => {
      const files = manifest === undefined ? {} : { "propagit.yaml": manifest };
      repositories.push("webapp", "main", commitOf(name), files);
      return releases.deploy({ repo: "webapp", ref: "main", by: "ann" }, callOf("hub.deploy").call);
    },
    startRollout: async (changes = {}) => {
      const place = environmentOf(ledger, "webapp", "production");
      const number = place.lastRelease + 1;
      const former = ledger.rows("releases").get(releaseKey("webapp", "production", number - 1));
      const draft = new Draft(ledger);
      const [repo, environment] = ["webapp", "production"];
      const deployment = "f".repeat(16);
      if (former) {
        const row: ReleaseRow = { ...former, number, deployment, state: "deploying" };
        draft.put("releases", releaseKey(repo, environment, number), row);
      }
      draft.put("environments", placeKey(repo, environment), { ...place, lastRelease: number });
      draft.put("rollouts", releaseKey(repo, environment, number), {
        repo,
        environment,
        number,
        deployment,
        acceptedAt: 1,
        phase: "starting",
        phaseAt: 1,
        drones: [],
        ...changes,
      });
      await ledger.change(() => draft.change);
    },
    row: (number) => {
      const found = ledger.rows("releases").get(releaseKey("webapp", "production", number));
      if (!found) throw new Error(`there is no release ${number}`);
      return found;
    },
  };
}

/** Forty hex characters out of a name. */
export function commitOf(name: string): CommitHash {
  return createHash("sha1").update(name).digest("hex") as CommitHash;
}

/** A call of this method in a session whose key is known, and the parts that it was answered. */
export function callOf<M extends MethodName>(
  method: M,
): { readonly method: M; readonly call: IncomingCall<M>; readonly parts: Part<M>[] } {
  const parts: Part<M>[] = [];
  const call = {
    conversation: { peer: { sessionKey } },
    signal: new AbortController().signal,
    part: (part: Part<M>) => void parts.push(part),
  };
  return { method, call: call as unknown as IncomingCall<M>, parts };
}

export function notesOf(parts: readonly unknown[]): readonly string[] {
  return (parts as readonly RolloutProgress[]).flatMap((part) =>
    part.kind === "note" ? [part.text] : [],
  );
}

function rowOf(request: ReleaseRequest, { lastRelease }: { lastRelease: number }): ReleaseRow {
  const { repo, environment, commit, specification, settings, subject, by, kind } = request;
  const content = JSON.stringify([repo, environment, commit, specification, settings]);
  return {
    repo,
    environment,
    number: lastRelease + 1,
    deployment: createHash("sha1").update(content).digest("hex").slice(0, 16),
    commit,
    subject,
    kind,
    ...(request.from !== undefined && { from: request.from }),
    ...(request.artifact !== undefined && { artifact: request.artifact }),
    by,
    at: lastRelease + 1,
    endedAt: lastRelease + 1,
    state: "ready",
    phases: [],
    drones: [],
    specification,
    settings: { ...settings },
    pinned: false,
    presence: "running",
  };
}

function finish(draft: Draft, row: ReleaseRow, promoted: boolean, now: number): void {
  const { repo, environment, number, commit, deployment, specification, settings } = row;
  const place = environmentOf(draft, repo, environment);
  draft.put("environments", placeKey(repo, environment), { ...place, lastRelease: number });
  draft.put("releases", releaseKey(repo, environment, number), row);
  draft.put("deployments", deployment, {
    id: deployment,
    repo,
    environment,
    commit,
    release: number,
    specification,
    settings,
    since: now,
    started: true,
    services: [],
  });
  const shares = [{ commit, deployment, weight: 1 }];
  if (promoted || place.live.length === 0) {
    sendVisitors(draft, { repo, environment, shares, live: number, now });
  }
}
