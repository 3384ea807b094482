/** What the access log needs of a request, taken while it is there, and written when it is over. */
import type { Answer, ExchangeEnd, RequestView } from "@propagit/http";
import type { Clock, Random } from "@propagit/runtime";
import { encodeAccess, isLogged, type AccessEntry } from "./core/access-line.js";
import type { Place } from "./core/place.js";
import type { OwnCode } from "./core/tallies.js";

export interface AccessSink {
  /** Of requests that did not fail, how many of a hundred are written; see `isLogged`. */
  readonly percent: number;
  /** @param line ends with a line feed */
  write(line: string): void;
}

/** What is known of a request when it comes. */
type EntryStart = Readonly<AccessEntry>;

export class AccessRecorder {
  readonly #sink: AccessSink;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(sink: AccessSink, clock: Clock, random: Random) {
    this.#sink = sink;
    this.#clock = clock;
    this.#random = random;
  }

  entryOf(request: RequestView): LoggedEntry {
    const requestId = request.header("x-request-id");
    const userAgent = request.header("user-agent");
    const referer = request.header("referer");
    const entry: EntryStart = {
      at: this.#clock.now(),
      method: request.method,
      host: request.host,
      target: request.target,
      version: request.version,
      isSecure: request.isSecure,
      address: request.address,
      ...(requestId !== undefined && { requestId }),
      ...(userAgent !== undefined && { userAgent }),
      ...(referer !== undefined && { referer }),
    };
    return { entry, write: (whole, end) => this.#write(whole, end) };
  }

  /** The proxy's own answer, written when it is through. */
  observed(request: RequestView, answer: Answer, { code, place }: Why): Answer {
    const { entry, write } = this.entryOf(request);
    const whole = {
      ...entry,
      ...(place && { repo: place.repo, environment: place.environment }),
      code,
    };
    return { ...answer, observer: { ended: (end) => write(whole, end) } };
  }

  #write(entry: AccessEntry, end: ExchangeEnd): void {
    if (!isLogged(end, this.#sink.percent, this.#random.fraction())) return;
    this.#sink.write(encodeAccess(entry, end));
  }
}

/** What is known of an answer of the proxy's own. */
export interface Why {
  readonly code: OwnCode;
  readonly place: Place | undefined;
}

/** An entry that is to be written. */
export interface LoggedEntry {
  readonly entry: EntryStart;
  readonly write: (entry: AccessEntry, end: ExchangeEnd) => void;
}
