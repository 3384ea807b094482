/**
 * Releases as users ask for them: made out of a commit, out of an old release or out of new settings, then
 * listed, compared and pinned. How one is carried out is not here but in `rollouts.ts`.
 */
import { manifestFiles, readManifest, specificationOf, type Manifest } from "@propagit/manifest";
import {
  environmentDefault,
  parseRepoName,
  PropagitError,
  sendPieces,
  type CommitHash,
  type Params,
  type RepoName,
  type Result,
  type RolloutResult,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { changeRelease, environmentOf } from "./core/deployment-edits.js";
import { Draft } from "./core/draft.js";
import {
  configBetween,
  detailOf,
  findRelease,
  formerRelease,
  nameRelease,
  releasesIn,
  rolloutsIn,
  settingsBase,
  summaryOf,
} from "./core/release-history.js";
import { checkEnvironment, remarkNewEnvironment } from "./core/environment-name.js";
import { aheadOf } from "./core/put-back.js";
import type { ReleaseRow } from "./core/rows.js";
import { withScales } from "./core/scales.js";
import type { Ledger } from "./ledger.js";
import type { PushedRelease } from "./push-desk.js";
import type { Asker, ReleaseRequest } from "./rollout-request.js";
import type { HubWorld } from "./world.js";

/** Carries releases out; `Rollouts` does. */
export interface RolloutStarter {
  start(request: ReleaseRequest, asker: Asker): Promise<RolloutResult>;
}

/** Where something is released, and who asks. */
export interface ReleasePlace {
  readonly repo: RepoName;
  readonly environment: string;
  readonly by: string;
}

/** A release that is wanted, with what whoever asks is told once it is accepted. */
export interface AskedRelease {
  readonly request: ReleaseRequest;
  readonly notes: readonly string[];
}

/** What of an old release is new when it is released once more. */
type NewOfOld = Pick<
  ReleaseRequest,
  "kind" | "from" | "by" | "settings" | "supersede" | "alongside" | "waves"
> & {
  readonly scales: ReleaseRow["scales"];
};

/** Events that are looked through for those of one release: all that are kept. */
const eventsMax = 10_000;

export class ReleaseDesk {
  readonly #world: Pick<HubWorld, "repositories">;
  readonly #ledger: Ledger;
  readonly #rollouts: RolloutStarter;

  constructor(world: Pick<HubWorld, "repositories">, ledger: Ledger, rollouts: RolloutStarter) {
    this.#world = world;
    this.#ledger = ledger;
    this.#rollouts = rollouts;
  }

  /** @throws BAD_NAME, NO_REPO, NO_COMMIT, AMBIGUOUS, BAD_MANIFEST, and what a rollout throws */
  async deploy(
    params: Params<"hub.deploy">,
    call: Pick<IncomingCall<"hub.deploy">, "part" | "signal">,
  ): Promise<RolloutResult> {
    const { detach, ...wanted } = params;
    return this.start(await this.deployAsked(wanted), askerOf(call, detach));
  }

  /** What a push sets in motion. @throws as `deploy` */
  async deployPushed({ promote, ...pushed }: PushedRelease, asker: Asker): Promise<RolloutResult> {
    // What it warns of was said when the push was taken.
    const manifest = await this.#manifestOf(pushed.repo, pushed.commit);
    const wanted = { ...pushed, ...(promote !== undefined && { promote }) };
    return this.start(await this.#ofCommit(manifest, wanted), asker);
  }

  /** @throws NO_RELEASE, CHANGED_MEANWHILE, and what a rollout throws */
  async rollback(
    params: Params<"hub.rollback">,
    call: IncomingCall<"hub.rollback">,
  ): Promise<RolloutResult> {
    const { detach, ...wanted } = params;
    return this.start(await this.rollbackAsked(wanted), askerOf(call, detach));
  }

  /** @throws BAD_PLAN when it cannot come in such waves, and what a rollout throws */
  async start({ request, notes }: AskedRelease, asker: Asker): Promise<RolloutResult> {
    return this.#rollouts.start(request, { ...asker, onPart: withNotes(asker.onPart, notes) });
  }

  /** What a deploy is, before it is carried out or planned. @throws as `deploy` */
  async deployAsked({
    repo,
    ref,
    environment = environmentDefault,
    by = "somebody",
    ...wanted
  }: Omit<Params<"hub.deploy">, "detach">): Promise<AskedRelease> {
    const name = parseRepoName(repo);
    const commit = await this.#world.repositories.resolve(name, ref);
    checkEnvironment(environment);
    const branch = await this.#world.repositories.branchNamed(name, ref);
    const manifest = await this.#manifestOf(name, commit);
    const warnings = manifest.warnings.map((warning) => `warning: ${warning}`);
    const place = { repo: name, environment, by, commit, ...(branch !== undefined && { branch }) };
    const { request, notes } = await this.#ofCommit(manifest, { ...place, ...wanted });
    return { request, notes: [...warnings, ...notes] };
  }

  /** @throws as `rollback` */
  async rollbackAsked({
    repo,
    environment = environmentDefault,
    by = "somebody",
    release,
    ...wanted
  }: Omit<Params<"hub.rollback">, "detach">): Promise<AskedRelease> {
    const name = parseRepoName(repo);
    const target = this.#rollbackTarget({ repo: name, environment, by }, release);
    const { number: from, settings, scales } = target;
    const old = { kind: "rollback", from, by, settings, scales, ...wanted } as const;
    const notes = [this.#describeRollback(target, release === undefined)];
    return { request: await this.#again(target, old), notes };
  }

  /** The current release with these settings; undefined when nothing is deployed there. */
  async configureAsked(
    { repo, environment, by }: ReleasePlace,
    { settings, ...wanted }: Pick<ReleaseRequest, "settings" | "alongside">,
  ): Promise<AskedRelease | undefined> {
    const base = settingsBase(this.#ledger, repo, environment);
    if (!base) return undefined;
    const place = environmentOf(this.#ledger, repo, environment);
    const ahead = aheadOf(this.#ledger, { ...place, settings });
    const config = { ...wanted, kind: "config", by, settings: ahead.settings } as const;
    return { request: await this.#again(base, { ...config, scales: base.scales }), notes: [] };
  }

  releases(
    { repo, environment, last }: Params<"hub.releases">,
    { part }: IncomingCall<"hub.releases">,
  ): Result<"hub.releases"> {
    const name = repo === undefined ? undefined : parseRepoName(repo);
    const rows = [...this.#ledger.rows("releases").values()]
      .filter((row) => name === undefined || row.repo === name)
      .filter((row) => environment === undefined || row.environment === environment)
      .sort((left, right) => right.at - left.at || right.number - left.number)
      .slice(0, last);
    const summaries = rows.map((row) => summaryOf(this.#ledger, row));
    return { releases: sendPieces(summaries, part) };
  }

  /** @throws NO_RELEASE */
  async release(
    { repo, environment = environmentDefault, release }: Params<"hub.release">,
    { part }: IncomingCall<"hub.release">,
  ): Promise<Result<"hub.release">> {
    const row = this.#find(repo, environment, release);
    for (const event of await this.#ledger.events(eventsMax)) {
      const isOfIt =
        event.repo === row.repo && event.environment === environment && event.release === release;
      if (isOfIt) part(event);
    }
    return detailOf(this.#ledger, row);
  }

  /** @throws NO_RELEASE, NO_COMMIT when one of them was removed from the repository */
  async diff({
    repo,
    environment = environmentDefault,
    from,
    to,
  }: Params<"hub.diff">): Promise<Result<"hub.diff">> {
    const [left, right] = [this.#find(repo, environment, from), this.#find(repo, environment, to)];
    const between = await this.#world.repositories.compare(
      left.repo as RepoName,
      left.commit as CommitHash,
      right.commit as CommitHash,
    );
    return {
      from: summaryOf(this.#ledger, left),
      to: summaryOf(this.#ledger, right),
      config: configBetween(left, right),
      ...between,
    };
  }

  /** @throws NO_RELEASE */
  async pin({
    repo,
    environment = environmentDefault,
    release,
    pinned,
    by = "somebody",
  }: Params<"hub.pin">): Promise<Result<"hub.pin">> {
    const name = parseRepoName(repo);
    await this.#ledger.change(() => {
      const row = findRelease(this.#ledger, { repo: name, environment, number: release });
      if (row.pinned === pinned) return undefined;
      const draft = new Draft(this.#ledger);
      changeRelease(draft, row, { pinned });
      const kind = pinned ? "pinned" : "unpinned";
      const text = `${by} ${kind} release ${release} of ${name} in ${environment}`;
      draft.note({ kind, repo: name, environment, release, commit: row.commit, by, text });
      return draft.change;
    });
    return {};
  }

  async #ofCommit(
    manifest: Manifest,
    wanted: ReleasePlace &
      Pick<ReleaseRequest, "commit" | "branch" | "promote" | "supersede" | "waves" | "redeploy">,
  ): Promise<AskedRelease> {
    const { repo, environment, commit } = wanted;
    const plain = specificationOf(manifest, environment);
    const { subject } = await this.#world.repositories.describe(repo, commit);
    const place = environmentOf(this.#ledger, repo, environment);
    const remark =
      place.lastRelease === 0 ? remarkNewEnvironment(environment, manifest) : undefined;
    const { settings, scales } = aheadOf(this.#ledger, place);
    const specification = withScales(plain, scales);
    return {
      request: { ...wanted, kind: "deploy", specification, settings, scales, subject },
      notes: remark === undefined ? [] : [remark],
    };
  }

  /**
   * An old release once more: its commit and what was built of it, its specification. Visitors are sent
   * there, as they are who it is for.
   */
  async #again(row: ReleaseRow, { scales, ...wanted }: NewOfOld): Promise<ReleaseRequest> {
    const artifact = await this.#artifactOf(row);
    return {
      ...wanted,
      repo: row.repo as RepoName,
      environment: row.environment,
      commit: row.commit as CommitHash,
      ...(artifact !== undefined && { artifact }),
      ...(scales && { scales }),
      specification: row.specification,
      subject: row.subject,
      promote: true,
    };
  }

  /** What the build made, while the hub has it; otherwise it is built again. */
  async #artifactOf({ repo, commit, artifact }: ReleaseRow): Promise<string | undefined> {
    if (artifact === undefined || artifact === commit) return artifact;
    const artifacts = await this.#world.repositories.artifacts(repo as RepoName);
    return artifacts.has(artifact as CommitHash) ? artifact : undefined;
  }

  /** What a commit says of itself. @throws BAD_MANIFEST */
  async #manifestOf(repo: RepoName, commit: CommitHash): Promise<Manifest> {
    return readManifest(await this.#world.repositories.read(repo, commit, manifestFiles));
  }

  #rollbackTarget({ repo, environment }: ReleasePlace, number: number | undefined): ReleaseRow {
    if (number === undefined) {
      this.#refuseWhileDeploying(repo, environment);
      return formerRelease(this.#ledger, repo, environment);
    }
    const row = findRelease(this.#ledger, { repo, environment, number });
    if (row.state === "ready") return row;
    const state = row.state === "deploying" ? "is still on its way" : `was ${row.state}`;
    throw new PropagitError("NO_RELEASE", `release ${number} of ${repo} ${state}`, {
      hint: `go back to one that was ready, see \`propagit releases ${repo}\``,
    });
  }

  /** What is live may be another one by the time that the rollback begins. */
  #refuseWhileDeploying(repo: RepoName, environment: string): void {
    const [first] = rolloutsIn(this.#ledger, repo, environment);
    if (!first) return;
    throw new PropagitError(
      "CHANGED_MEANWHILE",
      `release ${first.number} of ${repo} is on its way to ${environment}, so what was live before is not clear yet`,
      {
        hint: `end it with \`propagit cancel ${repo}\`, or say where to go back to: propagit rollback ${repo} N`,
      },
    );
  }

  #describeRollback(target: ReleaseRow, isPlain: boolean): string {
    const { repo, environment, number } = target;
    const what = `goes back to ${nameRelease(target)}`;
    if (!isPlain) return what;
    const older = releasesIn(this.#ledger, repo, environment).find(
      (row) => row.number < number && row.state === "ready" && row.deployment !== target.deployment,
    );
    const further = older ? `; further back: propagit rollback ${repo} ${older.number}` : "";
    return `${what}, which was live before${further}`;
  }

  #find(repo: string, environment: string, number: number): ReleaseRow {
    return findRelease(this.#ledger, { repo: parseRepoName(repo), environment, number });
  }
}

function askerOf(
  { part, signal }: Pick<IncomingCall<"hub.deploy" | "hub.rollback">, "part" | "signal">,
  detach: boolean | undefined,
): Asker {
  return { onPart: part, signal, ...(detach !== undefined && { detach }) };
}

/** Says them behind the first part, which is that it was accepted. */
function withNotes(onPart: Asker["onPart"], notes: readonly string[]): Asker["onPart"] {
  return (part) => {
    onPart(part);
    if (part.kind !== "accepted") return;
    for (const text of notes) onPart({ kind: "note", at: part.at, text: text.slice(0, 2_000) });
  };
}
