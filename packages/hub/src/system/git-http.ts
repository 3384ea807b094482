/**
 * Git over smart HTTP: who may, what for, and the request carried to git itself.
 *
 *     request -> which service of which repository -> secret or session -> name -> git -> what changed
 *
 * Refusals are plain text, which git shows to whoever pushes as `remote: …`.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  filesRepo,
  parseStoredRepoName,
  PropagitError,
  toPropagitError,
  type Crypto,
  type RepoName,
} from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import { parseBasicAuth } from "../core/basic-auth.js";
import {
  parseGitRequest,
  safeGitProtocol,
  speaksVersion2,
  type GitRequest,
  type GitService,
} from "../core/git-request.js";
import { judgeFilesPush } from "../core/files-push.js";
import { readPushHead, startPushHead } from "../core/push-head.js";
import type { PushDesk } from "../push-desk.js";
import { carry, type CarriedBody } from "./git-carry.js";
import { GitProcess, type GitProcessOptions } from "./git-process.js";
import { GitPush } from "./git-push.js";
import { refuse } from "./git-refuse.js";
import type { GitRepositories } from "./git-repositories.js";
import { inflaters } from "./inflate.js";
import { hearHooks } from "./push-hooks.js";
import { Slots } from "./slots.js";

export interface GitHttpOptions {
  readonly repositories: GitRepositories;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly secret: string;
  /** Whether a password is that of a drone's live session, which may fetch, and push what it built. */
  readonly mayFetch: (password: string) => boolean;
  /** Anybody may push. */
  readonly openPush: boolean;
  readonly desk: Pick<PushDesk, "judge" | "accepted">;
  /** Something was pushed. */
  readonly touched: (repo: RepoName) => void;
}

/** One request that was let in. */
interface Admitted {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly service: GitService;
  readonly repo: RepoName;
  readonly visitor: Visitor;
  /** Lets the next one begin, before this one is over. */
  readonly giveBack: () => void;
}

interface Visitor {
  /** The user name that git gave, which nobody checks. */
  readonly by: string;
  readonly isDrone: boolean;
  /** He gave the hub's secret. */
  readonly isProven: boolean;
}

/** Of the repository of files: nothing comes of a push by itself. */
const filesDesk: Pick<PushDesk, "judge" | "accepted"> = {
  judge: async ({ changes }) => judgeFilesPush(changes),
  accepted: async () => undefined,
};

/** Pushes and fetches at the same time; drones that all fetch the same commit queue up. Guesses. */
const slotLimits = { runningMax: 32, waitingMax: 10_000, waitMsMax: 5 * 60_000 } as const;
/** A negotiation is a list of hashes: half a million of them. */
const negotiationBytesMax = 32 * 1024 * 1024;

export class GitHttp {
  readonly #options: GitHttpOptions;
  readonly #slots: { readonly [S in GitService]: Slots } = {
    "git-receive-pack": new Slots({ name: "pushes", ...slotLimits }),
    "git-upload-pack": new Slots({ name: "fetches", ...slotLimits }),
  };
  readonly #processes = new Set<GitProcess>();
  readonly #stopping = new AbortController();

  constructor(options: GitHttpOptions) {
    this.#options = options;
  }

  /** Takes a request when it is git's; false when somebody else is to answer. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const wanted = parseGitRequest(request.method ?? "", request.url ?? "");
    if (wanted.kind === "other") return false;
    // Connections end as they like; what that means is seen where they are read and written.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    void this.#serve(request, response, wanted);
    return true;
  }

  /** Ends what is under way; a push that is not accepted by then never was. */
  async stop(): Promise<void> {
    // Whoever watches a deploy is let go at once.
    this.#stopping.abort();
    const processes = [...this.#processes];
    for (const process of processes) process.kill();
    await Promise.allSettled(processes.map(({ ended }) => ended));
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    wanted: Exclude<GitRequest, { kind: "other" }>,
  ): Promise<void> {
    try {
      if (wanted.kind === "refused") return refuse(request, response, wanted);
      const { service } = wanted;
      const visitor = this.#admit(request, service);
      const repo = this.#findRepo(wanted.repo, service, visitor);
      const giveBack = await this.#slots[service].take(goneSignal(response));
      const admitted = { request, response, service, repo, visitor, giveBack };
      try {
        await (wanted.kind === "advertise" ? this.#advertise(admitted) : this.#exchange(admitted));
      } finally {
        giveBack();
      }
    } catch (thrown) {
      const error = toPropagitError(thrown);
      if (error.code === "INTERNAL" || error.code === "DATA_UNUSABLE") {
        this.#options.log.warn(`${request.method} ${request.url} failed: ${error.message}`);
      }
      refuse(request, response, error);
    }
  }

  /** @throws DENIED */
  #admit(request: IncomingMessage, service: GitService): Visitor {
    const { crypto, secret, mayFetch, openPush } = this.#options;
    const isPush = service === "git-receive-pack";
    const auth = parseBasicAuth(request.headers.authorization);
    if (!auth) {
      if (openPush && isPush) return { by: "somebody", isDrone: false, isProven: false };
      throw denied("git needs the hub's secret as password, with any user name");
    }
    if (crypto.equal(auth.password, secret)) {
      return { by: auth.user.slice(0, 100) || "somebody", isDrone: false, isProven: true };
    }
    if (!mayFetch(auth.password)) throw denied("the password is not the hub's secret");
    return { by: "a drone", isDrone: true, isProven: false };
  }

  /** @throws BAD_NAME, NO_REPO when it is not there and cannot be made by this */
  #findRepo(name: string, service: GitService, { isDrone, isProven }: Visitor): RepoName {
    const { repositories } = this.#options;
    const repo = parseStoredRepoName(name);
    if (repo === filesRepo && service === "git-receive-pack" && !isProven) {
      throw denied("files need the hub's secret");
    }
    repositories.checkCase(repo);
    const mayMake = service === "git-receive-pack" && !isDrone;
    if (mayMake || repositories.has(repo)) return repo;
    throw new PropagitError("NO_REPO", `the hub has no repository "${repo}"`, {
      hint: "the first push makes it",
    });
  }

  async #advertise({ request, response, service, repo, visitor }: Admitted): Promise<void> {
    const { repositories } = this.#options;
    const protocol = safeGitProtocol(textOf(request.headers["git-protocol"]));
    // Nothing is made before something is really pushed.
    const folder = repositories.has(repo) ? repositories.folderOf(repo) : repositories.emptyFolder;
    const shown = { builds: visitor.isDrone, kept: repo === filesRepo };
    await this.#run(repo, { service, folder, advertise: true, protocol, ...shown }, (process) =>
      carry({
        request,
        response,
        process,
        contentType: `application/x-${service}-advertisement`,
        prefix: speaksVersion2(service, protocol) ? "" : announcement(service),
        body: undefined,
        failure: () => undefined,
      }),
    );
  }

  async #exchange(admitted: Admitted): Promise<void> {
    const { request, service, repo } = admitted;
    const isPush = service === "git-receive-pack";
    if (request.headers["content-type"] !== `application/x-${service}-request`) {
      throw new PropagitError("BAD_FRAME", "the body is not of the type that git sends");
    }
    if (!isPush) return this.#carryExchange(admitted, undefined);
    await this.#options.repositories.beginPush(repo);
    try {
      await this.#push(admitted);
    } finally {
      await this.#options.repositories.endPush(repo);
    }
  }

  async #push(admitted: Admitted): Promise<void> {
    const { repositories, log, touched } = this.#options;
    const { repo, visitor, response, giveBack } = admitted;
    const desk = repo === filesRepo ? filesDesk : this.#options.desk;
    let head = startPushHead;
    const push = new GitPush({
      ...visitor,
      repositories,
      desk,
      log,
      repo,
      signal: AbortSignal.any([goneSignal(response), this.#stopping.signal]),
      isShown: () => head.capabilities?.has("side-band-64k") ?? false,
      taken: () => {
        giveBack();
        touched(repo);
      },
    });
    const onChunk = (chunk: Buffer) => {
      head = readPushHead(head, chunk);
    };
    await this.#carryExchange(admitted, { push, onChunk });
  }

  async #carryExchange(
    { request, response, service, repo, visitor }: Admitted,
    pushing: { push: GitPush; onChunk: (chunk: Buffer) => void } | undefined,
  ): Promise<void> {
    const body: CarriedBody = {
      inflaters: inflatersOf(request),
      onChunk: (chunk) => pushing?.onChunk(chunk),
      bytesMax: pushing ? Number.POSITIVE_INFINITY : negotiationBytesMax,
      finishAlone: pushing !== undefined,
    };
    const protocol = safeGitProtocol(textOf(request.headers["git-protocol"]));
    const folder = this.#options.repositories.folderOf(repo);
    const contentType = `application/x-${service}-result`;
    const shown = { builds: visitor.isDrone, kept: repo === filesRepo };
    const failure = () => pushing?.push.failure;
    await this.#run(repo, { service, folder, advertise: false, protocol, ...shown }, (process) => {
      if (process.hooks) hearHooks(process.hooks, (call) => void pushing?.push.answer(call));
      return carry({ request, response, process, contentType, prefix: "", body, failure });
    });
  }

  async #run(
    repo: RepoName,
    options: GitProcessOptions,
    work: (process: GitProcess) => Promise<void>,
  ): Promise<void> {
    const process = new GitProcess(this.#options.repositories.settings, options);
    this.#processes.add(process);
    try {
      await work(process);
    } finally {
      process.kill();
      const exitCode = await process.ended.catch(() => 128);
      this.#processes.delete(process);
      if (exitCode !== 0 && process.complaint !== "") {
        const what = `${options.service} of ${repo}`;
        this.#options.log.warn(`${what} ended with ${exitCode}: ${process.complaint}`);
      }
    }
  }
}

/** Aborted when the connection of a response ends. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  return gone.signal;
}

/** @throws BAD_FRAME */
function inflatersOf(request: IncomingMessage): CarriedBody["inflaters"] {
  const encoding = textOf(request.headers["content-encoding"]);
  const found = inflaters(encoding);
  if (found) return found;
  throw new PropagitError("BAD_FRAME", "the body is compressed in a way that git does not use");
}

/** What comes before the refs in the older versions of the protocol. */
function announcement(service: GitService): string {
  const line = `# service=${service}\n`;
  return `${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`;
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function denied(message: string): PropagitError {
  return new PropagitError("DENIED", message, { hint: "" });
}
