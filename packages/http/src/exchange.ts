/**
 * What the forwarding core asks of whoever decides, for each request:
 *
 *     visitor's head ──> Director.direct ──> Forward ──> endpoint ──> answer ──> visitor
 *                                     \                    | nobody there, nothing sent
 *                                      Answer               `──> Forward.again ──> another Forward | Answer
 *
 * The core knows sockets, heads and bodies, and nothing of repositories; the director knows where, and
 * nothing of sockets. Strings are made only of what is asked for.
 */

/** A request whose head is whole. Valid until the director's answer is there, unless said otherwise. */
export interface RequestView {
  readonly method: string;
  /** Path and query, as sent: `/shop?x=1`; of an absolute target what follows its authority; `*` of OPTIONS. */
  readonly target: string;
  /** Host and port as sent; empty when an HTTP/1.0 request names none. */
  readonly host: string;
  readonly version: "1.0" | "1.1" | "2";
  /** Whether the visitor's connection is encrypted, or a trusted proxy in front says that his was. */
  readonly isSecure: boolean;
  /** The visitor's address: of the connection, of its PROXY header, or said by a trusted proxy in front. */
  readonly address: string;
  /** In bytes; 0 without a body, undefined when only its end will tell. */
  readonly bodyBytes: number | undefined;
  /** What the visitor wants to upgrade to, such as `websocket`. */
  readonly upgrade: string | undefined;
  /** @param name lower-case. Several fields of that name as one, joined as RFC 9110 (cookies: RFC 9113) says. */
  header(name: string): string | undefined;
  /** Names and values in turn, as sent. */
  rawHeaders(): readonly string[];
}

/** May decide later: a request waits meanwhile, and `signal`, made when it is asked for, tells that the visitor left. */
export interface Director {
  direct(request: RequestView, visitor: VisitorLife): Direction | Promise<Direction>;
}

export interface VisitorLife {
  readonly signal: AbortSignal;
}

export type Direction = Forward | Answer;

/** Answered by the proxy itself. */
export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  /** Names and values in turn. Length, Date and Connection are added. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array;
  /** The connection ends with it. */
  readonly close?: boolean;
  readonly observer?: ExchangeObserver;
}

/** Sent to an endpoint, and its answer back. */
export interface Forward {
  readonly kind: "forward";
  /** `host:port`; connections are kept by it. */
  readonly address: string;
  /** Absent: as the visitor sent it. */
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  /** Of the request on its way in, beyond what every forwarded request gets. */
  readonly requestEdits?: Edits;
  /** Of the answer on its way out. */
  readonly answerEdits?: Edits;
  readonly timeouts?: Timeouts;
  /** A longer body is answered with 413. */
  readonly bodyBytesMax?: number;
  /**
   * Asked when nothing of an answer came. Another Forward counts only when the failure says `mayRepeat`; an
   * Answer always does. Undefined: no more, the core answers in its own words.
   */
  again?(failure: AttemptFailure): Forward | Answer | undefined;
  /** A copy of the request goes there too, as far as its body fits into memory; its answer is thrown away. */
  readonly shadow?: {
    readonly address: string;
    /** Absent: as the visitor sent it; so are the others. */
    readonly target?: string;
    readonly host?: string;
    readonly requestEdits?: Edits;
    /** Absent: as the core's options say. */
    readonly headMs?: number;
    /** Told how the copy does, if it is sent. */
    readonly observer?: Pick<ExchangeObserver, "failed" | "answered">;
  };
  readonly observer?: ExchangeObserver;
}

/** Header changes, made ready once and used for many requests; see `compileEdits`. */
export interface Edits {
  /** Lines to add, each with its CRLF. */
  readonly lines: string;
  /** Names to leave out, lower-case: those that `lines` replaces, too. */
  readonly dropped: ReadonlySet<string>;
}

/** In ms; what is absent is as the core's options say. */
export interface Timeouts {
  readonly connectMs?: number;
  readonly headMs?: number;
  readonly idleMs?: number;
}

/** The first reason counts. `sent`: bytes of the request went out on a connection that was taken. */
export interface AttemptFailure {
  readonly kind: "refused" | "connect-timeout" | "broken" | "head-timeout" | "malformed";
  readonly sent: boolean;
  /** Nothing of the request was sent, or it may be sent twice (idempotent), and its body is still whole. */
  readonly mayRepeat: boolean;
  readonly reason: string;
}

/** Told how an exchange goes; each is called at most once for each attempt, `ended` exactly once for each exchange. */
export interface ExchangeObserver {
  /** This attempt came to nothing; `again` is asked next. */
  failed?(failure: AttemptFailure): void;
  /** The head of the final answer came from the endpoint. */
  answered?(status: number): void;
  ended?(end: ExchangeEnd): void;
}

export interface ExchangeEnd {
  /**
   * `complete`: the visitor got all of it. `left`: he went away. `cut`: the endpoint broke off, or was too
   * slow, after the head. `failed`: no endpoint answered; the visitor got an error from the proxy. `answered`:
   * the director's own answer.
   */
  readonly how: "complete" | "left" | "cut" | "failed" | "answered";
  /** As the visitor got it; 0 when he got none, 101 for an upgrade. */
  readonly status: number;
  /** Bodies, in bytes. */
  readonly requestBytes: number;
  readonly answerBytes: number;
  /** From the end of the request's head to the head of the answer, and to the end of all; in ms with fractions. */
  readonly headMs: number;
  readonly tookMs: number;
  readonly reason?: string;
}
