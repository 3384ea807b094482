/**
 * The proxy as a library: a function says for each request what becomes of it.
 *
 *     request --> route() --> { to: … }      sent there; to another of several when nobody takes it
 *                         `-> { status: … }  answered here
 */
import {
  compileEdits,
  wrongField,
  type Answer,
  type AttemptFailure,
  type Direction,
  type Director,
  type Edits,
  type ExchangeEnd,
  type ExchangeObserver,
  type Forward,
  type RequestView,
  type Timeouts,
  type VisitorLife,
} from "@propagit/http";
import { formatAddress, parseAddress, type HeaderEdits } from "@propagit/protocol";
import type { Clock, Random } from "@propagit/runtime";
import { errorAnswer } from "./answers.js";
import { isOut, probeIfHalfOpen } from "./core/breaker.js";
import {
  attemptAnswered,
  attemptFailed,
  beginAttempt,
  endAttempt,
  newEndpointState,
  type Target,
} from "./core/endpoint-state.js";

/** A request whose head is whole; its body has not been read. Good until it is decided. */
export interface ProxyRequest {
  readonly method: string;
  /** Path and query as sent: `/shop?x=1`. */
  readonly target: string;
  /** The path alone. */
  readonly path: string;
  /** What stands behind `?`; empty without one. */
  readonly query: string;
  /** As sent, lower-case, without the port. */
  readonly host: string;
  /** The visitor's address. */
  readonly address: string;
  readonly isSecure: boolean;
  /** Aborted when the visitor leaves before it is decided. */
  readonly signal: AbortSignal;
  /** @param name in any case */
  readonly header: (name: string) => string | undefined;
}

/** `localhost:8001`, or the port alone of this machine. */
export type Upstream = string | number;

/** Sent on. */
export interface SendOn {
  /** Of several, one with little to do; another one when it takes no connection. */
  readonly to: Upstream | readonly Upstream[];
  readonly method?: string;
  /** Path and query; default: as sent. */
  readonly path?: string;
  /** Host header; default: as sent. */
  readonly host?: string;
  /** Changes of the request's headers. */
  readonly headers?: HeaderEdits;
  /** Changes of the answer's headers. */
  readonly answerHeaders?: HeaderEdits;
  /** In ms. */
  readonly timeouts?: Timeouts;
  /** A longer body is answered with 413. */
  readonly bodyBytesMax?: number;
}

/** Answered here. */
export interface LocalAnswer {
  readonly status: number;
  /** Several fields of one name as a list. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

/** Nothing: 404. */
export type Routed = SendOn | LocalAnswer | undefined;

export type Route = (request: ProxyRequest) => Routed | Promise<Routed>;

export interface LibraryDirectorOptions {
  readonly route: Route;
  readonly clock: Clock;
  readonly random: Random;
  /** Told what `route` threw; the visitor gets 500 without it. */
  onError(error: unknown): void;
}

/** Addresses whose health and load are remembered; those heard of longest ago are forgotten first. */
const addressesMax = 10_000;

export class LibraryDirector implements Director {
  readonly #options: LibraryDirectorOptions;
  readonly #targets = new Map<string, Target>();

  constructor(options: LibraryDirectorOptions) {
    this.#options = options;
  }

  direct(view: RequestView, life: VisitorLife): Direction | Promise<Direction> {
    try {
      const routed = this.#options.route(requestOf(view, life));
      if (!(routed instanceof Promise)) return this.#direction(routed);
      return routed
        .then((found) => this.#direction(found))
        .catch((thrown: unknown) => this.#failed(thrown));
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  #direction(routed: Routed): Direction {
    if (routed === undefined) {
      return errorAnswer({ code: "NO_ROUTE", message: "no route for this request" }, []);
    }
    if ("status" in routed) return localAnswer(routed);
    const { to } = routed;
    const upstreams = Array.isArray(to) ? (to as readonly Upstream[]) : [to as Upstream];
    const targets = upstreams.map((upstream) => this.#targetOf(addressOf(upstream)));
    return LibraryVisit.begin(routed, targets, this.#options);
  }

  #failed(thrown: unknown): Answer {
    this.#options.onError(thrown);
    return errorAnswer({ code: "INTERNAL", message: "the route of this request failed" }, []);
  }

  #targetOf(address: string): Target {
    const known = this.#targets.get(address);
    if (known) return known;
    if (this.#targets.size >= addressesMax) this.#forgetOne();
    const state = newEndpointState(address, "", Number.NEGATIVE_INFINITY);
    const target = { address, commit: "", service: "", state };
    this.#targets.set(address, target);
    return target;
  }

  #forgetOne(): void {
    const [oldest] = this.#targets.keys();
    if (oldest !== undefined) this.#targets.delete(oldest);
  }
}

class LibraryVisit implements Forward, ExchangeObserver {
  readonly kind = "forward";
  address: string;
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  readonly requestEdits?: Edits;
  readonly answerEdits?: Edits;
  readonly timeouts?: Timeouts;
  readonly bodyBytesMax?: number;
  readonly #tools: Pick<LibraryDirectorOptions, "clock" | "random">;
  #left: readonly Target[];
  #at: Target;
  #isUnderWay = true;

  private constructor(
    order: SendOn,
    at: Target,
    left: readonly Target[],
    tools: Pick<LibraryDirectorOptions, "clock" | "random">,
  ) {
    this.address = at.address;
    if (order.headers) this.requestEdits = compileEdits(order.headers);
    if (order.answerHeaders) this.answerEdits = compileEdits(order.answerHeaders);
    if (order.method !== undefined) this.method = checked(order.method, methodPattern, "method");
    if (order.path !== undefined) this.target = checked(order.path, pathPattern, "path");
    if (order.host !== undefined) this.host = checked(order.host, hostPattern, "host");
    if (order.timeouts !== undefined) this.timeouts = order.timeouts;
    if (order.bodyBytesMax !== undefined) this.bodyBytesMax = order.bodyBytesMax;
    this.#tools = tools;
    this.#left = left;
    this.#at = at;
    beginAttempt(at);
  }

  static begin(
    order: SendOn,
    targets: readonly Target[],
    tools: Pick<LibraryDirectorOptions, "clock" | "random">,
  ): Direction {
    const at = pickTarget(targets, tools);
    if (!at)
      return errorAnswer({ code: "NO_ENDPOINT", message: "the route names no upstream" }, []);
    return new LibraryVisit(
      order,
      at,
      targets.filter((one) => one !== at),
      tools,
    );
  }

  get observer(): ExchangeObserver {
    return this;
  }

  failed(failure: AttemptFailure): void {
    this.#end();
    attemptFailed(this.#at, failure.kind, this.#tools.clock.monotonic());
  }

  answered(status: number): void {
    attemptAnswered(this.#at, status, this.#tools.clock);
  }

  again(failure: AttemptFailure): Forward | Answer {
    const next = failure.mayRepeat ? pickTarget(this.#left, this.#tools) : undefined;
    if (!next) return failureAnswer(failure);
    this.#left = this.#left.filter((one) => one !== next);
    this.#at = next;
    this.address = next.address;
    this.#isUnderWay = true;
    beginAttempt(next);
    return this;
  }

  ended(_end: ExchangeEnd): void {
    this.#end();
  }

  #end(): void {
    if (this.#isUnderWay) endAttempt(this.#at);
    this.#isUnderWay = false;
  }
}

/** Of two by chance the one with less to do; those that are out only when all are. */
function pickTarget(
  targets: readonly Target[],
  { clock, random }: Pick<LibraryDirectorOptions, "clock" | "random">,
): Target | undefined {
  const now = clock.monotonic();
  const able =
    targets.length > 1 ? targets.filter(({ state }) => !isOut(state.breaker, now)) : targets;
  const some = able.length > 0 ? able : targets;
  const one = some[Math.floor(random.fraction() * some.length)];
  const other = some[Math.floor(random.fraction() * some.length)];
  const picked = one && other && other.state.inFlight < one.state.inFlight ? other : one;
  if (picked) probeIfHalfOpen(picked.state.breaker, now);
  return picked;
}

function failureAnswer({ kind, sent, reason }: AttemptFailure): Answer {
  if (kind === "head-timeout") {
    return errorAnswer({ code: "TIMED_OUT", message: `no answer in time: ${reason}` }, []);
  }
  const what = sent ? "it broke off" : "it cannot be connected to";
  return errorAnswer({ code: "APP_FAILED", message: `${what}: ${reason}` }, []);
}

/** @throws RangeError for what would not be one answer */
function localAnswer({ status, headers = {}, body = "" }: LocalAnswer): Answer {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`${status} is no status of an answer`);
  }
  const fields: string[] = [];
  for (const [name, said] of Object.entries(headers)) {
    for (const value of typeof said === "string" ? [said] : said) {
      const wrong = wrongField(name, value);
      if (wrong !== undefined) throw new RangeError(wrong);
      fields.push(name, value);
    }
  }
  return { kind: "answer", status, headers: fields, body };
}

/** RFC 9110, section 5.6.2. */
const methodPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
/** As the parser takes them: everything but controls, space and what is not one byte. */
const pathPattern = /^(?:\/[\x21-\x7e\x80-\xff]*|\*)$/;
const hostPattern = /^[\w.:[\]-]{1,260}$/;

/** What a function made of a visitor's words must not become a second request. */
function checked(text: string, pattern: RegExp, what: string): string {
  if (pattern.test(text)) return text;
  throw new RangeError(`the ${what} of the route is none: ${JSON.stringify(text.slice(0, 100))}`);
}

/** @throws BAD_ADDRESS and the like when it is none */
function addressOf(upstream: Upstream): string {
  if (typeof upstream === "number") return formatAddress({ host: "127.0.0.1", port: upstream });
  return formatAddress(parseAddress(upstream));
}

function requestOf(view: RequestView, life: VisitorLife): ProxyRequest {
  const { method, target, host, address, isSecure } = view;
  const at = target.indexOf("?");
  return {
    method,
    target,
    path: at < 0 ? target : target.slice(0, at),
    query: at < 0 ? "" : target.slice(at + 1),
    host: host.replace(/:\d*$/, "").toLowerCase(),
    address,
    isSecure,
    header: (name) => view.header(name.toLowerCase()),
    // Made when it is asked for.
    get signal() {
      return life.signal;
    },
  };
}
