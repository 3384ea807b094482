/** Carries one request's body to git and git's answer back to the client. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable, Transform, type Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PropagitError, toPropagitError } from "@propagit/protocol";
import type { GitProcess } from "./git-process.js";

export interface Carry {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly process: GitProcess;
  readonly contentType: string;
  /** What goes before git's own answer. */
  readonly prefix: string;
  /** Undefined when git is to get nothing. */
  readonly body: CarriedBody | undefined;
  /** What failed after git had taken a push, asked when git has ended; the client's git then fails too. */
  readonly failure: () => string | undefined;
}

export interface CarriedBody {
  /** Streams that it goes through first, see `inflate.ts`. */
  readonly inflaters: readonly Duplex[];
  /** Sees it as git does, piece by piece. */
  readonly onChunk: (chunk: Buffer) => void;
  readonly bytesMax: number;
  /** Whether git finishes alone when the client goes after the last byte of the body. */
  readonly finishAlone: boolean;
}

/**
 * Resolves when the answer is complete.
 *
 * @throws what the client is to be told; LINK_LOST when there is nobody to tell
 */
export async function carry(options: Carry): Promise<void> {
  const { request, response, process, body } = options;
  const stopWatching = killWhenGone(options);
  const sent = body ? sendBody(options, body) : endInput(process);
  try {
    const answered = sendAnswer(options);
    answered.catch(() => undefined);
    const exitCode = await process.ended;
    await answered;
    if (exitCode !== 0 && !response.headersSent) throw failureOf(options, await settledNow(sent));
    if (!response.headersSent) startAnswer(options);
    response.end();
  } finally {
    stopWatching();
    // What git did not want to read any more is let through, so that the client gets to the answer.
    request.resume();
  }
}

/** Resolves with what went wrong, if anything did. */
async function sendBody({ request, process }: Carry, body: CarriedBody): Promise<unknown> {
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      process.touch();
      body.onChunk(chunk);
      if (bytes <= body.bytesMax) return done(null, chunk);
      done(new PropagitError("TOO_LARGE", "the request is too long"));
    },
  });
  // Not the request itself: a pipeline that fails would destroy it, and with it the way to answer.
  const source = Readable.from(request.iterator({ destroyOnReturn: false }));
  try {
    await pipeline([source, ...body.inflaters, meter, process.input]);
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

function endInput(process: GitProcess): Promise<unknown> {
  process.input.end();
  return Promise.resolve(undefined);
}

/** When git ends early, as when it refuses, more body may still come: that is no failure of the body. */
function settledNow(sent: Promise<unknown>): Promise<unknown> {
  return Promise.race([sent, new Promise((resolve) => setImmediate(resolve, undefined))]);
}

async function sendAnswer(options: Carry): Promise<void> {
  const { response, process, failure } = options;
  // The last flush is held back, as a failure has to be told before it.
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of process.output as AsyncIterable<Buffer>) {
    process.touch();
    if (!response.headersSent) startAnswer(options);
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const end = bytes.length - flushBytesAtEnd(bytes);
    held = bytes.subarray(end);
    if (end === 0 || response.destroyed || response.write(bytes.subarray(0, end))) continue;
    await drained(response);
  }
  const failed = failure();
  const isTold = failed !== undefined && held.length === flushBytes;
  // In one piece: a git that has read the failure may not read on.
  const last = isTold ? Buffer.concat([sideBandFailure(failed), held]) : held;
  if (last.length > 0) response.write(last);
}

/** "0000" ends what git has to say. */
const flushBytes = 4;

/** How many of the last bytes may be the last flush, or its beginning. */
function flushBytesAtEnd(bytes: Buffer): number {
  let count = 0;
  while (count < Math.min(flushBytes, bytes.length) && bytes.at(-1 - count) === 0x30) count++;
  return count;
}

/**
 * A line on the third band of git's side-band protocol: a git that reads it ends with a failure, although
 * its refs are moved.
 */
function sideBandFailure(text: string): Buffer {
  const line = Buffer.from(`\u0003${text.slice(0, 900)}\n`);
  return Buffer.concat([Buffer.from((line.length + 4).toString(16).padStart(4, "0")), line]);
}

function startAnswer({ response, contentType, prefix }: Carry): void {
  response.writeHead(200, {
    "content-type": contentType,
    "cache-control": "no-cache, max-age=0, must-revalidate",
  });
  if (prefix !== "") response.write(prefix);
}

/**
 * A client that goes takes git with it; but a push whose body is complete is finished first, since the
 * client may have gone for good believing that it was accepted.
 */
function killWhenGone({ request, response, process, body }: Carry): () => void {
  const closed = () => {
    if (response.writableFinished || (body?.finishAlone && request.complete)) return;
    process.kill();
  };
  response.once("close", closed);
  return () => response.off("close", closed);
}

/** Resolves also when the client is gone, since nobody drains then. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
    if (response.destroyed) done();
  });
}

function failureOf({ request, process }: Carry, broken: unknown): PropagitError {
  const { code } = (broken ?? {}) as { code?: unknown };
  if (code === "TOO_LARGE") return toPropagitError(broken);
  if (typeof code === "string" && code.startsWith("Z_")) {
    return new PropagitError("BAD_FRAME", "the body is not compressed as it says");
  }
  if (request.destroyed && !request.complete) {
    return new PropagitError("LINK_LOST", "the client went before its request was complete");
  }
  if (/protocol error|bad line length|unexpected|expected|bogus/i.test(process.complaint)) {
    return new PropagitError("BAD_FRAME", "the body is not what git sends");
  }
  return new PropagitError("INTERNAL", "git failed on the hub; the hub's log says how");
}
