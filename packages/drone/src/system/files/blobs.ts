/** Contents out of a repository, one after the other, as `git cat-file --batch` gives them. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, withStreams } from "@propagit/runtime";

const headCharsMax = 200;

export class Blobs {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #failure: unknown;

  /** @param repo a bare repository, which nobody clears up meanwhile */
  constructor(repo: string) {
    const args = [`--git-dir=${repo}`, "cat-file", "--batch"];
    const env = {
      PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
      HOME: "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      LC_ALL: "C",
    };
    const command = ["-c", "safe.directory=*", ...args];
    this.#child = withStreams(
      spawn("git", command, { cwd: "/", env, stdio: ["pipe", "pipe", "ignore"] }),
    );
    this.#child.once("error", (error) => {
      this.#failure = error;
    });
    this.#child.stdin.on("error", () => undefined);
    this.#chunks = this.#child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /**
   * A blob piece by piece; each is only good until the next one is asked for.
   *
   * @param name a blob's, or `<commit>:path`
   * @throws DATA_UNUSABLE when it is not there
   */
  async *content(name: string): AsyncGenerator<Buffer> {
    this.#child.stdin.write(`${name}\n`);
    const [, kind, size] = (await this.#line()).split(" ");
    const bytes = Number(size);
    if (kind !== "blob" || !Number.isSafeInteger(bytes)) {
      throw new PropagitError("DATA_UNUSABLE", `${name} is not in what was fetched`, {
        hint: "push once more: the drone then fetches it anew",
      });
    }
    yield* this.#take(bytes);
    await this.#skip(1);
  }

  async text(name: string, bytesMax: number): Promise<string> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of this.content(name)) {
      bytes += piece.length;
      if (bytes > bytesMax)
        throw new PropagitError("TOO_LARGE", `${name} is over ${bytesMax} bytes`);
      pieces.push(Buffer.from(piece));
    }
    return Buffer.concat(pieces).toString("utf8");
  }

  close(): void {
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    this.#child.kill("SIGKILL");
  }

  async #line(): Promise<string> {
    let end = this.#rest.indexOf(10);
    while (end < 0) {
      if (this.#rest.length > headCharsMax + 4_096) throw this.#broken();
      this.#rest = Buffer.concat([this.#rest, await this.#more()]);
      end = this.#rest.indexOf(10);
    }
    const line = this.#rest.toString("utf8", 0, end);
    this.#rest = this.#rest.subarray(end + 1);
    return line;
  }

  async *#take(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0;) {
      if (this.#rest.length === 0) this.#rest = await this.#more();
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async #skip(bytes: number): Promise<void> {
    for await (const piece of this.#take(bytes)) void piece;
  }

  async #more(): Promise<Buffer> {
    const next = await this.#chunks.next();
    if (next.done) throw this.#broken();
    return next.value;
  }

  #broken(): PropagitError {
    const reason = errnoOf(this.#failure) ?? "it ended early";
    return new PropagitError("DATA_UNUSABLE", `git cat-file failed: ${reason}`);
  }
}
