/**
 * The registry's client, in any world: the real one (system/connect.ts) and the simulated one.
 *
 * A link that comes back by itself, a keeper that keeps own records registered over it, and one follower
 * for each watch.
 */
import {
  isLoopback,
  openCredential,
  credentialFromToken,
  PropagitError,
  type Address,
  type Credential,
  type Endpoint,
  type EndpointQuery,
  type EndpointUpdate,
  type ErrorCode,
} from "@propagit/protocol";
import {
  type Conversation,
  credentialFromSecret,
  deferred,
  Link,
  type LinkState,
  type PortRange,
  sessionPaths,
  within,
  type World,
} from "@propagit/runtime";
import type {
  ConnectOptions,
  Query,
  RegisterOptions,
  RegistryClient,
  RegistryView,
} from "./client-api.js";
import { Follower } from "./client/follower.js";
import { Keeper } from "./client/keeper.js";
import { checkRegistration, ownRecord, type OwnRecord } from "./client/own-record.js";
import { checkTtl, leaseMsDefault } from "./core/lease-time.js";
import { compileQuery } from "./core/query.js";

export interface ConnectInOptions extends ConnectOptions {
  /** Chooses a port that is free where the service will listen; `avoid` are ports promised already. */
  readonly findPort?: (options: {
    readonly range: PortRange | undefined;
    readonly avoid: (port: number) => boolean;
  }) => Promise<number>;
  /** Put into every record that does not say otherwise. */
  readonly defaults?: InstanceDefaults;
  /** Where else the registry is, the best way first; see `LinkOptions`. */
  readonly ways?: () => readonly Address[];
  /** Told of every change of the connection, so that a daemon can say it. */
  readonly changed?: (state: LinkState) => void;
}

/** What is the same in all records of one instance. */
export interface InstanceDefaults {
  readonly host?: string;
  readonly commit?: string;
  readonly meta?: Readonly<Record<string, string>>;
}

/** Bound on connecting, and on a question: a command line ends within 10 s, whatever is the matter. */
const queryMsMax = 4_500;
const getMsDefault = 30_000;
const setMsMax = 10_000;
/** Bound on the last word of a client that ends. */
const closeMsMax = 2_000;
/** Refusals that do not go away by trying again. */
const lasting: ReadonlySet<ErrorCode> = new Set(["DENIED", "UNPROVEN", "BAD_VERSION"]);

/** A client in the given world; it connects by itself, now and whenever the registry is back. */
export function connectIn(
  world: World,
  address: Address,
  options: ConnectInOptions = {},
): RegistryClient {
  return new Client(world, address, options);
}

/** One question over an open conversation. @throws BAD_PATTERN, LINK_LOST, TIMED_OUT */
export async function queryOver(
  conversation: Conversation,
  query: EndpointQuery,
  limitMs = queryMsMax,
): Promise<RegistryView> {
  const pieces: Endpoint[] = [];
  const { settled, endpoints } = await conversation.call("registry.query", query, {
    limitMs,
    onPart: (piece) => void pieces.push(...piece),
  });
  return { settled, endpoints: [...pieces, ...endpoints] };
}

class Client implements RegistryClient {
  readonly address: Address;
  readonly #world: World;
  readonly #options: ConnectInOptions;
  readonly #link: Link;
  readonly #keeper: Keeper;
  readonly #followers = new Set<Follower>();
  readonly #closing = deferred<never>();
  #refusal = deferred<never>();
  /** The one that the registry knows us by, even before the link says that it is up. */
  #conversation: Conversation | undefined;

  constructor(world: World, address: Address, options: ConnectInOptions) {
    this.#world = world;
    this.#options = options;
    this.address = address;
    this.#keeper = new Keeper(world, {
      ttlMs: checkTtl(options.ttlMs ?? leaseMsDefault),
      choosePort: (own) => this.#choosePort(own.range),
      lease: options.lease,
      leaseChanged: options.leaseChanged ?? (() => undefined),
    });
    this.#link = new Link(world, {
      address,
      ...(options.ways && { ways: options.ways }),
      path: sessionPaths.registry,
      role: "client",
      credential: credentialOf(options),
      acceptsOpen: options.acceptsOpen ?? isLoopback(address.host),
      introduce: (conversation) => this.#introduce(conversation),
      changed: (state) => this.#changed(state),
    });
  }

  get isUp(): boolean {
    return this.#link.state.kind === "up";
  }

  async register(service: string, options: RegisterOptions = {}): Promise<number> {
    const { port } = await this.registerEndpoint(service, options);
    return port;
  }

  async registerEndpoint(service: string, options: RegisterOptions = {}): Promise<Endpoint> {
    this.#checkOpen();
    const { defaults = {} } = this.#options;
    const own = ownRecord({
      service,
      options: { ...defaults, ...options, meta: { ...defaults.meta, ...options.meta } },
      id: options.id ?? this.#world.random.hex(16),
      port: options.port ?? (await this.#choosePort(options.portRange)),
    });
    this.#checkOpen();
    this.#keeper.want(own);
    return own.awaited.promise;
  }

  async set(id: string, meta: Readonly<Record<string, string>>): Promise<Endpoint> {
    const own = this.#keeper.records().find((record) => record.id === id);
    if (!own) throw new PropagitError("NO_RECORD", `this client has registered no record ${id}`);
    const registration = checkRegistration({
      ...own.registration,
      meta: { ...this.#options.defaults?.meta, ...meta },
    });
    const done = this.#keeper.change(own, registration);
    return within(this.#world.clock, setMsMax, `setting the metadata of ${id}`, done);
  }

  async free(which: string | number): Promise<void> {
    const fits = ({ id, registration }: OwnRecord) =>
      id === which || registration.port === which || registration.service === which;
    await this.#keeper.unwant(this.#keeper.records().filter(fits));
  }

  async disown(id: string): Promise<void> {
    await this.#keeper.disown(id);
  }

  async query(query: Query = {}): Promise<RegistryView> {
    const params = queryParts(query);
    compileQuery(params);
    return queryOver(await this.#up(queryMsMax), params, queryMsMax);
  }

  async get(query: Query, limitMs = getMsDefault): Promise<readonly Endpoint[]> {
    const over = new AbortController();
    const search = this.#find(queryParts(query), over.signal);
    const first = Promise.race([search, this.#closing.promise, this.#refusal.promise]);
    const what = `waiting for ${describe(query)} in the registry`;
    try {
      return await within(this.#world.clock, limitMs, what, first);
    } finally {
      over.abort();
    }
  }

  watch(onUpdate: (update: EndpointUpdate) => void): { stop(): void } {
    this.#checkOpen();
    const follower = new Follower(this.#world.clock, onUpdate);
    this.#followers.add(follower);
    if (this.#conversation) follower.resume(this.#conversation);
    return {
      stop: () => {
        this.#followers.delete(follower);
        follower.stop();
      },
    };
  }

  async close({ keepLease = false }: { readonly keepLease?: boolean } = {}): Promise<void> {
    if (this.#link.state.kind === "stopped") return;
    const error = new PropagitError("LINK_LOST", "the registry client was closed");
    this.#closing.reject(error);
    for (const follower of this.#followers) follower.stop();
    this.#followers.clear();
    const ended = keepLease ? this.#keeper.leave() : this.#keeper.stop(closeMsMax);
    await within(this.#world.clock, closeMsMax, "freeing", ended).catch(() => undefined);
    this.#link.stop(error);
  }

  async #introduce(conversation: Conversation): Promise<void> {
    await this.#keeper.introduce(conversation);
    this.#conversation = conversation;
    for (const follower of this.#followers) follower.resume(conversation);
  }

  #changed(state: LinkState): void {
    if (state.kind === "up") this.#refusal = deferred();
    if (state.kind === "waiting" && lasting.has(state.reason.code)) {
      const error = PropagitError.fromData(state.reason);
      this.#refusal.reject(error);
      this.#keeper.refuse(error);
    }
    this.#options.changed?.(state);
  }

  /** Resolves with what fits as soon as something does. */
  async #find(query: EndpointQuery, over: AbortSignal): Promise<readonly Endpoint[]> {
    const fits = compileQuery(query);
    const there = await this.#ask(query);
    if (there.length > 0 || over.aborted) return there;
    const found = deferred<readonly Endpoint[]>();
    const watch = this.watch((update) => {
      const fitting = newIn(update).filter(fits);
      if (fitting.length > 0) found.resolve(fitting);
    });
    over.addEventListener("abort", () => watch.stop(), { once: true });
    return found.promise;
  }

  /** Mostly somebody is there already, and a question is cheaper than a snapshot of the whole table. */
  async #ask(query: EndpointQuery): Promise<readonly Endpoint[]> {
    if (!this.#conversation?.isOpen) return [];
    try {
      const { endpoints } = await queryOver(this.#conversation, query);
      return endpoints;
    } catch {
      // The line broke: then it is waited for.
      return [];
    }
  }

  /** The conversation, or why there is none; who is refused does not wait for the bound. */
  #up(limitMs: number): Promise<Conversation> {
    return Promise.race([this.#link.up(limitMs), this.#refusal.promise]);
  }

  async #choosePort(range: PortRange | undefined): Promise<number> {
    if (!this.#options.findPort) {
      throw new PropagitError("BAD_RECORD", "no port was given, and this client chooses none");
    }
    const promised = new Set(this.#keeper.records().map(({ registration }) => registration.port));
    return this.#options.findPort({ range, avoid: (port) => promised.has(port) });
  }

  #checkOpen(): void {
    if (this.#link.state.kind === "stopped") {
      throw new PropagitError("LINK_LOST", "the registry client was closed");
    }
  }
}

function credentialOf({ credential, secret, token }: ConnectInOptions): Credential {
  if (credential) return credential;
  if (secret !== undefined) return credentialFromSecret(secret);
  if (token === undefined) return openCredential;
  const fromToken = credentialFromToken(token);
  if (fromToken) return fromToken;
  throw new PropagitError("DENIED", "the token for the registry is not a token", {
    hint: "pass on REGISTRY_TOKEN exactly as the drone gave it",
  });
}

function queryParts(query: Query): EndpointQuery {
  return typeof query === "string" ? { service: query } : query;
}

function newIn(update: EndpointUpdate): readonly Endpoint[] {
  if (update.kind === "snapshot") return update.endpoints;
  return update.kind === "up" ? [update.endpoint] : [];
}

function describe(query: Query): string {
  return typeof query === "string" ? query : JSON.stringify(query);
}
