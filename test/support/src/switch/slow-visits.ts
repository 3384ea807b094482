/** Visits that take their time: downloads, uploads, websockets; each kind again and again. */
import { request } from "node:http";
import type { Tally, VisitKind } from "./tally.js";
import { downloadPieces } from "./app.js";
import { WebSocketVisitor } from "./web-socket-visitor.js";

export interface SlowOptions {
  readonly port: number;
  readonly host: string;
  readonly tally: Tally;
  /** How long each takes, in ms. */
  readonly tookMs: number;
}

const uploadPieces = 10;
const pieceBytes = 20_000;

/** One of each, at the same time, over and over until it is stopped. */
export class SlowVisits {
  readonly #options: SlowOptions;
  #isOver = false;
  readonly #ended: Promise<unknown>;
  readonly #webSocket: WebSocketVisitor;

  constructor(options: SlowOptions) {
    this.#options = options;
    this.#webSocket = new WebSocketVisitor(options);
    this.#ended = Promise.all([
      this.#again("download", () => this.#download()),
      this.#again("upload", () => this.#upload()),
    ]);
  }

  /** Resolves when the last ones are over. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#ended;
    await this.#webSocket.stop();
  }

  async #again(kind: VisitKind, visit: () => Promise<string>): Promise<void> {
    while (!this.#isOver) {
      const sentAt = performance.now();
      try {
        const commit = await visit();
        this.#options.tally.answered(kind, { commit, sentAt });
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown);
        this.#options.tally.wentWrong(kind, sentAt, why);
        await pause(100);
      }
    }
  }

  async #download(): Promise<string> {
    const { body, commit } = await this.#ask("GET", `/download?ms=${this.#options.tookMs}`);
    if (body !== commit.repeat(downloadPieces)) throw new Error(`${body.length} bytes of another`);
    return commit;
  }

  async #upload(): Promise<string> {
    const { body, commit } = await this.#ask("POST", "/upload", uploadPieces);
    const wanted = `${commit} ${uploadPieces * pieceBytes}`;
    if (body !== wanted) throw new Error(`answered ${body.slice(0, 60)} instead of ${wanted}`);
    return commit;
  }

  #ask(method: string, path: string, pieces = 0): Promise<{ body: string; commit: string }> {
    const { port, host, tookMs } = this.#options;
    return new Promise((resolve, reject) => {
      const asked = request(
        { host: "127.0.0.1", port, method, path, headers: { host }, agent: false },
        (answer) => {
          let body = "";
          answer.setEncoding("latin1").on("data", (text: string) => (body += text));
          answer.on("error", reject);
          answer.on("end", () => {
            const commit = String(answer.headers["x-propagit-commit"]);
            if (answer.statusCode === 200) resolve({ body, commit });
            else reject(new Error(`${answer.statusCode} ${body.slice(0, 200)}`));
          });
        },
      );
      asked.on("error", reject);
      void write(asked, pieces, tookMs);
    });
  }
}

async function write(
  into: { write(piece: Buffer): unknown; end(): unknown },
  pieces: number,
  tookMs: number,
): Promise<void> {
  for (let piece = 0; piece < pieces; piece++) {
    into.write(Buffer.alloc(pieceBytes, 120));
    await pause(tookMs / pieces);
  }
  into.end();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
