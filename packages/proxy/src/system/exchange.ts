/**
 * One request and its answer.
 *
 *     deciding --refused--------------------------------------------------> answered (error)
 *        |  ^ retry: nothing sent, or harmless to repeat
 *        v  |
 *     sending --head--> relaying --end--> done
 *        |                  \--app breaks off--> cut (never a wrong length)
 *        |--101--> spliced --both ends--> done
 *        |--deadline--> answered (504)
 *     any state --visitor leaves--> app's connection ended at once
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { PropagitError, shortCommit } from "@propagit/protocol";
import type { World } from "@propagit/runtime";
import type { Dispatcher } from "undici";
import { errorOf, type Decision, type Forwarding } from "../core/decision.js";
import { answerHeaders, requestHeaders } from "../core/headers.js";
import type { CheckedHead } from "../core/request-head.js";
import { mayRetry } from "../core/retry.js";
import { writeVisitor } from "../core/visitor.js";
import type { ProxyDaemon, Visit, VisitEnd } from "../proxy.js";
import { answerError } from "./answer.js";
import { Attempt, type AttemptListener } from "./attempt.js";
import { Deadline } from "./deadline.js";
import { kindOf, reasonOf } from "./failure.js";
import { addTrailers, relayHints, switchProtocols, takesTrailers, toStatusText } from "./relay.js";
import { RequestBody } from "./request-body.js";
import type { Upstreams } from "./upstreams.js";

/** What all exchanges share. */
export interface Forwarder {
  readonly world: World;
  readonly proxy: ProxyDaemon;
  readonly upstreams: Upstreams;
  /** Longest wait for an answer's head, in ms. */
  readonly timeoutMs: number;
}

export interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: CheckedHead & { ok: true };
  readonly clientAddress: string;
  /** The visitor waits for `100 Continue` before he sends the body. */
  readonly expectsContinue?: boolean;
  /** The visitor wants another protocol on this connection. */
  readonly upgrade?: Upgrade;
}

export interface Upgrade {
  readonly protocol: string;
  /** Takes the visitor's connection over once the app has agreed. */
  readonly takeOver: (answerHead: string, upstream: Duplex, over: () => void) => void;
}

/** The attempt under way, or the last one. */
interface Current {
  readonly forwarding: Forwarding;
  readonly visit: Visit;
  readonly attempt: Attempt;
  readonly body: RequestBody | null;
}

export class Exchange implements AttemptListener {
  readonly #forwarder: Forwarder;
  readonly #options: ExchangeOptions;
  readonly #deadline: Deadline;
  #current: Current | undefined;
  #attempts = 0;
  #status = 0;
  #isOver = false;

  constructor(forwarder: Forwarder, options: ExchangeOptions) {
    this.#forwarder = forwarder;
    this.#options = options;
    const { world, timeoutMs } = forwarder;
    this.#deadline = new Deadline(world, timeoutMs, () => this.#tooLate());
  }

  start(): void {
    const { response } = this.#options;
    response.on("drain", () => this.#current?.attempt.resume());
    const decision = this.#decide([]);
    if (decision.kind === "forward") this.#send(decision);
    else this.#giveUp(errorOf(decision));
  }

  /** To be called when the visitor's connection or the answer is over; after an end it changes nothing. */
  visitorLeft(): void {
    if (this.#isOver) return;
    this.#current?.attempt.abort();
    this.#finish("left");
  }

  informed(status: number, rawHeaders: readonly string[]): void {
    const { response, request, upgrade } = this.#options;
    if (!upgrade && request.httpVersion === "1.1") relayHints(response, status, rawHeaders);
  }

  answered(status: number, statusText: string, rawHeaders: readonly string[]): void {
    const { response, expectsContinue } = this.#options;
    this.#deadline.cancel();
    this.#current?.visit.answered();
    this.#status = status;
    // Without our 100 he may send the body or leave it out: nobody can tell what comes next.
    if (expectsContinue && !this.#current?.body?.isPulled) response.shouldKeepAlive = false;
    try {
      const headers = this.#answerHeaders(status, rawHeaders);
      response.writeHead(status, toStatusText(statusText), headers);
    } catch (thrown) {
      return this.#giveUp(
        new PropagitError("APP_FAILED", `its answer is wrong: ${String(thrown)}`),
      );
    }
    // An event stream may say nothing for long, yet the visitor is to know that it began. Not at once:
    // most heads have their body right behind, and go out with it in one write.
    setImmediate(() => {
      if (!response.writableEnded && !response.destroyed) response.flushHeaders();
    });
  }

  gotBody(chunk: Buffer): boolean {
    return this.#options.response.write(chunk);
  }

  ended(rawTrailers: readonly string[]): void {
    const { response } = this.#options;
    if (rawTrailers.length > 0) addTrailers(response, rawTrailers);
    this.#finish(this.#status >= 500 ? "failed" : "answered");
    response.end();
  }

  upgraded(rawHeaders: readonly string[], socket: Duplex): void {
    const { upgrade } = this.#options;
    const { visit } = this.#current ?? {};
    if (!upgrade || !visit) return void socket.destroy();
    this.#deadline.cancel();
    // From here on the connections themselves say when it is over.
    this.#isOver = true;
    visit.answered();
    const answerHead = switchProtocols(upgrade.protocol, this.#answerHeaders(101, rawHeaders));
    upgrade.takeOver(answerHead, socket, () => visit.end("answered"));
  }

  failed(error: Error): void {
    if (!this.#current) return;
    const { attempt, visit, forwarding } = this.#current;
    const kind = kindOf(error, attempt.wasSent);
    if (kind === "unsendable") {
      return this.#giveUp(new PropagitError("BAD_REQUEST", "the request cannot be passed on"));
    }
    if (kind === "unconnected") visit.unreachable(reasonOf(error));
    const again = this.#decideAgain();
    if (again) return this.#send(again);
    const how = attempt.wasSent ? "broke off" : "cannot be connected to";
    const message = `${nameOf(forwarding)} ${how}: ${reasonOf(error)}`;
    this.#giveUp(new PropagitError("APP_FAILED", message));
  }

  #decide(avoid: readonly string[]): Decision {
    const { host, path, cookie } = this.#options.head;
    const visitor = this.#current?.forwarding.visitor?.id;
    const kept = visitor === undefined ? {} : { visitor };
    return this.#forwarder.proxy.decide({ host, path, cookie, avoid, ...kept });
  }

  /** Where to go after a failure, if it may go anywhere: elsewhere, or else there again. */
  #decideAgain(): Forwarding | undefined {
    if (!this.#current) return undefined;
    const { attempt, forwarding, visit } = this.#current;
    const { request, head } = this.#options;
    const { wasSent, wasAnswered } = attempt;
    const sent = { method: request.method ?? "", hasBody: head.hasBody };
    if (!mayRetry({ ...sent, attempt: this.#attempts, wasSent, wasAnswered })) return undefined;
    const elsewhere = this.#decide([forwarding.target.address]);
    // A kept connection may have been closed by a healthy app just then: a new one will do.
    const again = elsewhere.kind === "refuse" && wasSent ? this.#decide([]) : elsewhere;
    if (again.kind === "refuse") return undefined;
    visit.end("retried");
    return again;
  }

  #send(forwarding: Forwarding): void {
    const { request, head, clientAddress, upgrade } = this.#options;
    const { proxy, upstreams } = this.#forwarder;
    const { rawHeaders, httpVersion } = request;
    this.#attempts += 1;
    const attempt = new Attempt(this);
    const body = head.hasBody ? this.#body() : null;
    this.#current = { forwarding, visit: proxy.visit(forwarding.target), attempt, body };
    this.#deadline.start();
    const options: Dispatcher.DispatchOptions = {
      method: request.method ?? "GET",
      path: head.path,
      headers: requestHeaders({ rawHeaders, host: head.host, clientAddress, httpVersion }),
      body,
      ...(upgrade && { upgrade: upgrade.protocol }),
    };
    try {
      upstreams.poolOf(forwarding.target.address).dispatch(options, attempt);
    } catch (thrown) {
      // An address that no URL can hold: one bad record must not end the proxy.
      this.failed(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  #body(): RequestBody {
    const { request, response, expectsContinue } = this.#options;
    return new RequestBody({
      request,
      onFirstPull: () => {
        if (expectsContinue) response.writeContinue();
      },
      onProgress: () => this.#deadline.progress(),
    });
  }

  #answerHeaders(status: number, rawHeaders: readonly string[]): string[] {
    const { forwarding } = this.#current ?? {};
    const visitor = forwarding?.visitor;
    return answerHeaders({
      rawHeaders,
      commit: forwarding?.target.commit ?? "",
      takesTrailers: takesTrailers(this.#options.request, status, rawHeaders),
      ...(visitor?.isNew && { cookie: writeVisitor(visitor.id) }),
    });
  }

  #tooLate(): void {
    const limit = `${this.#forwarder.timeoutMs / 1000} s`;
    const { body, forwarding } = this.#current ?? {};
    if (body?.isHungry) {
      const message = `the request's body stopped coming for ${limit}`;
      return this.#giveUp(new PropagitError("BAD_REQUEST", message));
    }
    const name = forwarding ? nameOf(forwarding) : "nobody";
    this.#giveUp(new PropagitError("TIMED_OUT", `${name} did not answer within ${limit}`));
  }

  #giveUp(error: PropagitError): void {
    this.#current?.attempt.abort();
    this.#finish("failed");
    answerError(this.#options.response, error, this.#forwarder.proxy.stale());
  }

  #finish(how: VisitEnd): void {
    this.#isOver = true;
    this.#deadline.cancel();
    this.#current?.visit.end(how);
  }
}

function nameOf({ repo, target }: Forwarding): string {
  return `${repo} ${shortCommit(target.commit)}`;
}
