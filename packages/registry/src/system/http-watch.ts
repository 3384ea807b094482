/**
 * `GET /v1/watch`: updates as server-sent events. The id of an event is where the watcher then stands, so
 * that a browser's EventSource, or anybody who sends it back, goes on there.
 *
 *     id: 5f0c…:17
 *     event: up
 *     data: {"kind":"up","at":{…},"endpoint":{…}}
 */
import type { ServerResponse } from "node:http";
import { PropagitError, quote, type EndpointUpdate, type Position } from "@propagit/protocol";
import type { Registry } from "../registry.js";

/** Watchers over HTTP at the same time; a guess: every load balancer and dashboard of a large site. */
const streamsMax = 1_000;
/** Bytes that may wait for a slow watcher before it is cut off; it comes back with its last id. */
const bufferedBytesMax = 64 * 1024 * 1024;
/** A comment this often keeps proxies between from closing the stream. */
const keepAliveMs = 15_000;

export class EventStreams {
  readonly #registry: Registry;
  readonly #ends = new Set<() => void>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Sends updates until the other side, or `stop`, ends it. @throws OVERLOADED */
  open(response: ServerResponse, since: Position | undefined): void {
    if (this.#ends.size >= streamsMax) {
      throw new PropagitError("OVERLOADED", `${streamsMax} are watching already`);
    }
    // Gone while the request was looked at: `close` has been, and nothing would end the watch.
    if (response.destroyed || response.closed) return;
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    response.flushHeaders();
    const write = (text: string) => {
      response.write(text);
      if (response.writableLength > bufferedBytesMax) response.destroy();
    };
    const stopWatching = this.#registry.watch(since, (update) => write(encodeEvent(update)));
    const keepAlive = setInterval(() => write(": still here\n\n"), keepAliveMs);
    const end = () => void response.end();
    this.#ends.add(end);
    // After the peer is gone a write may fail; the stream is closed then anyway.
    response.on("error", () => undefined);
    response.on("close", () => {
      stopWatching();
      clearInterval(keepAlive);
      this.#ends.delete(end);
    });
  }

  stop(): void {
    for (const end of this.#ends) end();
  }
}

/** @throws BAD_USAGE */
export function parsePosition(text: string): Position {
  const match = /^([^:]{1,40}):(\d{1,15})$/.exec(text);
  if (match?.[1] !== undefined) return { epoch: match[1], revision: Number(match[2]) };
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not the id of an event`, {
    hint: "send back the id of the last event, or nothing for a snapshot",
  });
}

function encodeEvent(update: EndpointUpdate): string {
  const { epoch, revision } = update.at;
  return `id: ${epoch}:${revision}\nevent: ${update.kind}\ndata: ${JSON.stringify(update)}\n\n`;
}
