/**
 * TLS in front of the engine: takes accepted sockets, and gives back secured ones.
 *
 *     accept -> peek at the hello --- plain HTTP: 400 in words
 *                    |    |   \------ no TLS: cut            no certificate: alert unrecognized_name
 *                    |    |---------- acme-tls/1: the challenge's certificate, then closed
 *                    v
 *               handshake -> onSecure(connection, protocol, raw)
 *                    \---------- refused, too slow, gone: cut and counted
 *
 * The hello is read before OpenSSL sees it, since its certificate depends on host name *and* protocol, which
 * Node's own callback for names does not tell, and since alerts of our own are only possible before.
 * Handshakes are made by a `tls.Server` that listens nowhere: it has what a server needs (tickets, names,
 * time bounds) as public API.
 */
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { readFirstBytes, type FirstBytes } from "../core/client-hello.js";
import { CertificateChoice, type TlsMaterial } from "../core/certificate-choice.js";
import { SecureContexts, type Secured } from "./tls-contexts.js";
import { answerPlainHttp, sendAlert } from "./tls-refusals.js";

export type TlsProtocol = "h2" | "http/1.1";

/** Why a connection came to nothing before it was secured. */
export type TlsProblemKind =
  | "plain-http"
  | "foreign"
  | "unknown-name"
  | "unusable-certificate"
  | "slow"
  | "failed"
  | "overloaded";

export interface TlsProblem {
  readonly kind: TlsProblemKind;
  readonly reason: string;
  readonly address: string;
}

export interface TlsCounts {
  readonly underWay: number;
  readonly secured: number;
  /** Of the secured those that went on with a former session, at a fraction of the cost. */
  readonly resumed: number;
  /** Shown to an authority. */
  readonly challenges: number;
  readonly problems: Readonly<Record<TlsProblemKind, number>>;
}

export interface TlsFrontOptions {
  /** What is spoken over TLS, best first. */
  readonly protocols: readonly TlsProtocol[];
  /** From here on the connection is the taker's; errors of it too. */
  readonly onSecure: (connection: TLSSocket, protocol: TlsProtocol, raw: Socket) => void;
  readonly onProblem?: (problem: TlsProblem) => void;
  /** Longest wait for the hello, and again for the rest of the handshake; default 10 s. */
  readonly handshakeMs?: number;
  /** At the same time; more are cut. Default 2,000: some 30 KB each, a guess for a small machine. */
  readonly handshakesMax?: number;
}

/** Of ALPN, RFC 8737. */
const challengeProtocol = "acme-tls/1";
/** Spoken as HTTP/1.1 is; old clients name it alone. */
const oldProtocol = "http/1.0";
/** How long a session can be resumed; OpenSSL's own default is 300 s for tickets and less use. */
const sessionSeconds = 3_600;

interface Handshake {
  readonly raw: Socket;
  end(): void;
}

export class TlsFront {
  readonly #options: Required<Omit<TlsFrontOptions, "onProblem">> &
    Pick<TlsFrontOptions, "onProblem">;
  readonly #visitors: Server;
  readonly #authorities: Server;
  readonly #contexts = new SecureContexts();
  /** By the addresses of both ends, which name a connection as long as it lives. */
  readonly #handshakes = new Map<string, Handshake>();
  readonly #problems = noProblems();
  #certificates = new CertificateChoice<Secured>([]);
  #challenges = new CertificateChoice<Secured>([]);
  #fallback: Secured | undefined;
  #secured = 0;
  #resumed = 0;
  #shown = 0;

  constructor(options: TlsFrontOptions) {
    this.#options = { handshakeMs: 10_000, handshakesMax: 2_000, ...options };
    this.#visitors = this.#server([...options.protocols, oldProtocol], (name) =>
      this.#certificateFor(name),
    );
    this.#visitors.on("secureConnection", (connection) => this.#secure(connection));
    this.#authorities = this.#server([challengeProtocol], (name) => this.#challenges.find(name));
    this.#authorities.on("secureConnection", (connection) => this.#show(connection));
  }

  /** Takes effect for handshakes from now on; live connections keep theirs. */
  use(material: TlsMaterial): void {
    const { certificates, challenges, fallback, ticketKeys } = material;
    const all = this.#contexts.use([
      ...certificates,
      ...challenges,
      ...(fallback ? [fallback] : []),
    ]);
    const secured = all.slice(0, certificates.length);
    this.#certificates = new CertificateChoice(secured);
    this.#challenges = new CertificateChoice(
      all.slice(certificates.length).slice(0, challenges.length),
    );
    this.#fallback = fallback && all.at(-1);
    this.#useFallback();
    if (ticketKeys !== undefined) this.#visitors.setTicketKeys(Buffer.from(ticketKeys, "hex"));
  }

  /** @param raw of TCP; nothing was read of it, or what was read is put back (`unshift`) */
  accept(raw: Socket): void {
    const key = keyOf(raw);
    if (key === undefined || raw.destroyed) {
      raw.destroy();
      return;
    }
    if (this.#handshakes.size >= this.#options.handshakesMax) {
      this.#cutOldest();
    }
    this.#handshakes.set(key, this.#peek(raw, key));
  }

  /** Who has said nothing for the longest time makes room: a newcomer needs a few milliseconds. */
  #cutOldest(): void {
    const [oldest] = this.#handshakes.values();
    if (!oldest) return;
    this.#refuse(oldest.raw, "overloaded", "there are too many handshakes at once");
    oldest.end();
    oldest.raw.destroy();
  }

  counts(): TlsCounts {
    return {
      underWay: this.#handshakes.size,
      secured: this.#secured,
      resumed: this.#resumed,
      challenges: this.#shown,
      problems: { ...this.#problems },
    };
  }

  /** Ends the handshakes that are under way. */
  close(): void {
    for (const { raw } of this.#handshakes.values()) raw.destroy();
    this.#handshakes.clear();
  }

  #peek(raw: Socket, key: string): Handshake {
    let bytes: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const first = readFirstBytes(bytes);
      if (first.kind === "more") return;
      stopPeeking();
      raw.pause();
      this.#decide(raw, bytes, first);
    };
    const timer = setTimeout(() => {
      this.#refuse(raw, "slow", "no hello came in time");
      raw.destroy();
    }, this.#options.handshakeMs);
    timer.unref();
    // Sockets of a listener may stay half open: who has gone would keep his place.
    const onEnd = () => raw.destroy();
    const stopPeeking = () => {
      clearTimeout(timer);
      raw.off("data", onData).off("end", onEnd);
    };
    const onError = () => undefined;
    const end = () => {
      stopPeeking();
      raw.off("close", end);
      this.#handshakes.delete(key);
    };
    raw.on("error", onError);
    raw.on("close", end);
    raw.on("data", onData).on("end", onEnd);
    // Whoever put something back has paused it.
    raw.resume();
    return { raw, end };
  }

  #decide(raw: Socket, bytes: Buffer, first: Exclude<FirstBytes, { kind: "more" }>): void {
    switch (first.kind) {
      case "http":
        this.#refuse(raw, "plain-http", "it speaks plain HTTP");
        answerPlainHttp(raw);
        return;
      case "foreign":
        this.#refuse(raw, "foreign", first.reason);
        sendAlert(raw, "decode_error");
        return;
      case "hello":
        this.#shake(raw, bytes, first);
        return;
      default:
        first satisfies never;
    }
  }

  #shake(raw: Socket, bytes: Buffer, hello: Extract<FirstBytes, { kind: "hello" }>): void {
    const { serverName, protocols } = hello;
    const isAuthority = protocols.length === 1 && protocols[0] === challengeProtocol;
    const certificate = isAuthority
      ? this.#challenges.find(serverName ?? "")
      : this.#certificateFor(serverName);
    const name = serverName ?? "no name";
    if (!certificate) {
      this.#refuse(raw, "unknown-name", `there is no certificate for ${printable(name)}`);
      sendAlert(raw, "unrecognized_name");
      return;
    }
    if (!certificate.context) {
      this.#refuse(raw, "unusable-certificate", `${printable(name)}: ${certificate.problem ?? ""}`);
      sendAlert(raw, "internal_error");
      return;
    }
    raw.unshift(bytes);
    (isAuthority ? this.#authorities : this.#visitors).emit("connection", raw);
  }

  #certificateFor(serverName: string | undefined): Secured | undefined {
    const named = serverName === undefined ? undefined : this.#certificates.find(serverName);
    return named ?? this.#fallback;
  }

  #secure(connection: TLSSocket): void {
    const raw = this.#take(connection);
    if (!raw) return;
    this.#secured += 1;
    if (connection.isSessionReused()) this.#resumed += 1;
    // Of no use to HTTP, and a way to make a server work (CVE-2011-1473).
    connection.disableRenegotiation();
    const protocol = connection.alpnProtocol === "h2" ? "h2" : "http/1.1";
    this.#options.onSecure(connection, protocol, raw);
  }

  #show(connection: TLSSocket): void {
    connection.on("error", () => undefined);
    if (this.#take(connection)) this.#shown += 1;
    connection.end();
    connection.resume();
  }

  /** The accepted socket of a secured one; undefined when it is gone meanwhile. */
  #take(connection: TLSSocket): Socket | undefined {
    const handshake = this.#handshakes.get(keyOf(connection) ?? "");
    handshake?.end();
    if (!handshake) connection.destroy();
    return handshake?.raw;
  }

  #server(protocols: readonly string[], find: (name: string) => Secured | undefined): Server {
    const server = createServer({
      ALPNProtocols: [...protocols],
      handshakeTimeout: this.#options.handshakeMs,
      SNICallback: (name, use) => {
        const context = find(name.toLowerCase().replace(/\.$/, ""))?.context;
        use(context ? null : new Error("there is no certificate for that name"), context);
      },
      minVersion: "TLSv1.2",
      sessionTimeout: sessionSeconds,
      sessionIdContext: "propagit",
    });
    server.on("tlsClientError", (error: Error & { code?: string }, connection) => {
      const isSlow = error.code === "ERR_TLS_HANDSHAKE_TIMEOUT";
      const { kind, reason } = isSlow
        ? ({ kind: "slow", reason: "the handshake took too long" } as const)
        : ({ kind: "failed", reason: error.code ?? error.message } as const);
      this.#refuse(connection, kind, reason);
      connection.destroy();
    });
    return server;
  }

  /** For those who name no host: they get no callback, but the server's own certificate. */
  #useFallback(): void {
    const { certificate: cert, key } = this.#fallback ?? {};
    if (cert === undefined || key === undefined || !this.#fallback?.context) return;
    this.#visitors.setSecureContext({
      cert,
      key,
      minVersion: "TLSv1.2",
      sessionTimeout: sessionSeconds,
      sessionIdContext: "propagit",
    });
  }

  #refuse(connection: Socket, kind: TlsProblemKind, reason: string): void {
    this.#problems[kind] += 1;
    this.#options.onProblem?.({ kind, reason, address: connection.remoteAddress ?? "" });
  }
}

function keyOf(socket: Socket): string | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || localAddress === undefined) return undefined;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** Foreign text for a log. */
function printable(name: string): string {
  return name.slice(0, 253).replaceAll(/[^\x21-\x7e ]/g, "?");
}

function noProblems(): Record<TlsProblemKind, number> {
  return {
    "plain-http": 0,
    foreign: 0,
    "unknown-name": 0,
    "unusable-certificate": 0,
    slow: 0,
    failed: 0,
    overloaded: 0,
  };
}
