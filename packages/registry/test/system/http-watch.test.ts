/** Server-sent events, read as an EventSource would. */
import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { EndpointUpdate } from "@propagit/protocol";
import { eventually, Workshop } from "../support/serving.js";

const workshop = new Workshop();

interface ServerEvent {
  readonly id: string;
  readonly kind: string;
  readonly update: EndpointUpdate;
}

/** Reads events until it is closed. */
class EventReader {
  readonly events: ServerEvent[] = [];
  readonly #abort = new AbortController();
  status = 0;
  type: string | null = "";

  async open(url: string, lastId?: string): Promise<void> {
    const response = await fetch(url, {
      signal: this.#abort.signal,
      headers: lastId === undefined ? {} : { "last-event-id": lastId },
    });
    this.status = response.status;
    this.type = response.headers.get("content-type");
    void this.#read(response).catch(() => undefined);
  }

  close(): void {
    this.#abort.abort();
  }

  get kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind);
  }

  async #read(response: Response): Promise<void> {
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) if (!block.startsWith(":")) this.events.push(parse(block));
    }
  }
}

function parse(block: string): ServerEvent {
  const fields = new Map(
    block.split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)] as const;
    }),
  );
  const update = JSON.parse(fields.get("data") ?? "null") as EndpointUpdate;
  return { id: fields.get("id") ?? "", kind: fields.get("event") ?? "", update };
}

describe("watching over HTTP", () => {
  afterEach(() => workshop.clear());

  async function start() {
    const { address } = await workshop.serve();
    const base = `http://127.0.0.1:${address.port}/v1`;
    const client = workshop.connect(address);
    const read = async (lastId?: string) => {
      const reader = new EventReader();
      workshop.later(() => reader.close());
      await reader.open(`${base}/watch`, lastId);
      return reader;
    };
    return { base, client, read };
  }

  it("gives a snapshot, then each change with the place where the watcher stands", async () => {
    const { client, read } = await start();
    await client.register("a", { port: 1 });
    const reader = await read();
    assert.equal(reader.status, 200);
    assert.equal(reader.type, "text/event-stream");
    await client.register("b", { port: 2 });
    await client.free("a");
    await eventually("three events", () => reader.events.length === 3);
    assert.deepEqual(reader.kinds, ["snapshot", "up", "down"]);
    for (const { id, update } of reader.events) {
      assert.equal(id, `${update.at.epoch}:${update.at.revision}`);
    }
  });

  it("goes on after the last event that somebody had seen", async () => {
    const { client, read } = await start();
    const first = await read();
    await client.register("a", { port: 1 });
    await eventually("two events", () => first.events.length === 2);
    first.close();
    await client.register("b", { port: 2 });
    await client.free("a");
    const second = await read(first.events[1]?.id);
    await eventually("what was missed", () => second.events.length === 2);
    assert.deepEqual(second.kinds, ["up", "down"]);
    const revisions = [...first.events, ...second.events].map(({ update }) => update.at.revision);
    assert.deepEqual(revisions, [0, 1, 2, 3]);
  });

  it("begins with a snapshot after a position that it does not know", async () => {
    const { client, read } = await start();
    await client.register("a", { port: 1 });
    const reader = await read("anotherlife:1");
    await eventually("the snapshot", () => reader.events.length === 1);
    assert.deepEqual(reader.kinds, ["snapshot"]);
  });

  it("refuses a position that is none", async () => {
    const { read } = await start();
    assert.equal((await read("nonsense")).status, 400);
  });

  it("ends with the registry, which does not wait for watchers", async () => {
    const registry = await workshop.serve();
    const reader = new EventReader();
    await reader.open(`http://127.0.0.1:${registry.address.port}/v1/watch`);
    await registry.stop();
    const again = new EventReader();
    await assert.rejects(again.open(`http://127.0.0.1:${registry.address.port}/v1/watch`));
  });
});
