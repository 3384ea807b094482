/** Requests to an authority: HTTPS, bounded in time and size, with an authority of its own for tests and companies. */
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { AuthorityRefusal } from "../core/authority-refusal.js";

export interface AcmeAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

export interface AcmeRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Bounds on one request; a guess, above what busy authorities need. */
const requestMsMax = 30_000;
const answerBytesMax = 1024 * 1024;

export class AcmeRequests {
  readonly #agent: Agent;

  /** @param ca who signs the certificate of the directory, as PEM; default: whom the system trusts */
  constructor(ca: string | undefined) {
    this.#agent = new Agent({ ...(ca !== undefined && { ca }), keepAlive: false });
  }

  /** @throws AuthorityRefusal when nothing comes back */
  async send({ method, url, body, signal }: AcmeRequest): Promise<AcmeAnswer> {
    signal.throwIfAborted();
    // A URL in an answer may be anything.
    if (!url.startsWith("https://")) {
      throw new AuthorityRefusal(`the authority names ${url.slice(0, 200)}, which is not https`);
    }
    try {
      return await this.#exchange({ method, url, signal, ...(body !== undefined && { body }) });
    } catch (thrown) {
      if (thrown instanceof AuthorityRefusal) throw thrown;
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      const { host } = new URL(url);
      throw new AuthorityRefusal(`the authority at ${host} cannot be reached: ${reason}`, {
        cause: thrown,
      });
    }
  }

  #exchange({ method, url, body, signal }: AcmeRequest): Promise<AcmeAnswer> {
    return new Promise((resolve, reject) => {
      const asked = request(url, {
        method,
        agent: this.#agent,
        signal,
        headers: {
          "User-Agent": "propagit",
          ...(body !== undefined && {
            "Content-Type": "application/jose+json",
            "Content-Length": Buffer.byteLength(body),
          }),
        },
      });
      const timer = setTimeout(() => {
        reject(tooSlow());
        asked.destroy();
      }, requestMsMax);
      asked.once("close", () => clearTimeout(timer));
      asked.on("error", reject);
      asked.once("response", (answer) => {
        readText(answer).then(
          (text) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }),
          reject,
        );
      });
      asked.end(body);
    });
  }
}

async function readText(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > answerBytesMax) throw new AuthorityRefusal("the authority says too much at once");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function tooSlow(): AuthorityRefusal {
  return new AuthorityRefusal(`the authority did not answer within ${requestMsMax / 1_000} s`);
}
