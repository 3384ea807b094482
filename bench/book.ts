/**
 * What a change of one route costs a hub that has 10,000 routes and tells 100 proxies, beside a hub with 10
 * routes: the whole way from the ledger to the sealed frames, in one thread, over connections in memory.
 */
import { PropagitError, type BookUpdate, type Route } from "@propagit/protocol";
import {
  Conversation,
  credentialFromSecret,
  dial,
  sessionPaths,
  simulate,
  type Handlers,
} from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { Book, Ledger } from "@propagit/hub";
import { median } from "./report.js";

const credential = credentialFromSecret("beepboop");
const address = { host: "hub", port: 6001 };
/** Of one transaction. */
const editsPerChange = 400;
const changes = 300;
const proxies = 100;
/** Larger is not proportional to the change any more. */
const ratioMax = 1.5;

const few = await measure(10, proxies);
const many = await measure(10_000, proxies);
const alone = await measure(10_000, 0);

const perProxy = ({ changeUs }: Measured, { changeUs: without }: Measured) =>
  (changeUs - without) / proxies;
print("telling a change to one of 100 proxies, 10,000 routes", perProxy(many, alone), "µs");
print("one change, 10,000 routes, 100 proxies", many.changeUs, "µs", {
  with10Routes: round(few.changeUs),
  ratio: round(many.changeUs / few.changeUs),
  goal: `ratio <= ${ratioMax}`,
  meets: many.changeUs / few.changeUs <= ratioMax,
});
print("bytes of a change", many.changeBytes, "bytes", { with10Routes: few.changeBytes });
print("snapshot for a proxy that is new, 10,000 routes", many.snapshotMs, "ms", {
  frames: many.frames,
});

interface Measured {
  readonly changeUs: number;
  readonly changeBytes: number;
  readonly snapshotMs: number;
  readonly frames: number;
}

async function measure(routes: number, followers: number): Promise<Measured> {
  const sim = simulate(1);
  const ledger = await Ledger.open(openMemoryStore(), sim.clock);
  for (let first = 0; first < routes; first += editsPerChange) {
    const count = Math.min(editsPerChange, routes - first);
    await write(
      ledger,
      Array.from({ length: count }, (_, at) => routeOf(first + at, 1)),
    );
  }
  const book = new Book(ledger, "bench");
  const handlers: Handlers = { "hub.routes": (params, call) => book.follow(params, call) };
  sim.network.serve(address, sessionPaths.hub, (wire) => {
    const side = { kind: "server", clusterKey: credential.key, heartbeatMs: 5_000 } as const;
    void new Conversation(sim.worldOf("hub"), wire, { side, handlers });
  });
  let heard = 0;
  let frames = 0;
  let changeBytes = 0;
  const onPart = (update: BookUpdate) => {
    if (update.kind === "snapshot") frames += 1;
    else {
      heard += 1;
      changeBytes = JSON.stringify(update).length;
    }
  };
  let snapshotMs = 0;
  for (let at = 0; at < followers; at++) {
    const world = sim.worldOf(`proxy${at}`);
    const dialled = dial(world, {
      address,
      path: sessionPaths.hub,
      role: "proxy",
      credential,
      acceptsOpen: false,
    });
    let conversation: Conversation | undefined;
    void dialled.then((one) => (conversation = one));
    await sim.clock.until("a proxy to be connected", () => conversation !== undefined);
    const start = performance.now();
    const before = frames;
    const following = conversation?.call("hub.routes", {}, { limitMs: 0, onPart });
    following?.catch((thrown: unknown) => {
      if (!(thrown instanceof PropagitError)) throw thrown;
    });
    await sim.clock.until("its snapshot", () => frames > before);
    snapshotMs = performance.now() - start;
    frames = frames - before;
  }
  // Only what the hub does is measured: what it sends is delivered afterwards.
  const took: number[] = [];
  for (let at = 0; at < changes; at++) {
    const start = performance.now();
    await write(ledger, [routeOf(at % routes, at + 2)]);
    took.push((performance.now() - start) * 1_000);
    const wanted = (at + 1) * followers;
    await sim.clock.until("the change to be heard", () => heard >= wanted);
  }
  return { changeUs: median(took.slice(changes / 3)), changeBytes, snapshotMs, frames };
}

function write(ledger: Ledger, routes: readonly Route[]): Promise<void> {
  const edits = routes.map((row) => {
    return { table: "routes", key: `${row.repo}/production`, row } as const;
  });
  return ledger.change(() => ({ edits, events: [] }));
}

/** As most are: two shares, and a host of its own. */
function routeOf(number: number, weight: number): Route {
  const shares = ["a", "b"].map((letter) => ({
    commit: letter.repeat(40),
    deployment: letter.repeat(16),
    weight,
  }));
  const hosts = [{ host: `app${number}.example.com`, service: "web" }];
  return { repo: `app${number}`, environment: "production", shares, hosts };
}

function print(metric: string, ours: number, unit: string, more: object = {}): void {
  process.stdout.write(
    `${JSON.stringify({ bench: "book", metric, unit, ours: round(ours), ...more })}\n`,
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
