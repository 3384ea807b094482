/**
 * What goes wrong in a swarm, each over many seeds: the same faults as in faults.test.ts, in other places and at
 * other times each time, with drones that are introduced to each other by the real tracker. Whoever survives has
 * the very bytes, or a reason with a name.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeClaim, keyOfClaim, type Share } from "../src/index.js";
import { blockHeadBytes, writeBlockHead } from "../src/core/frames.js";
import { nodeCrypto } from "@propagit/runtime";
import { fullHello, Rogue, type Behaviour, type RogueLine } from "./support/rogue.js";
import { makeArtifact, type MadeArtifact, type Taker } from "./support/swarm.js";
import { TrackedSwarm } from "./support/tracked-swarm.js";

/** Each a second or so; SEEDS=100 looks longer. */
const seeds = Number(process.env["SEEDS"] ?? 4);
const drones = 12;
/** 32 pieces, 4 s on a link. */
const artifactBytes = 1024 * 1024;
const pieceBytes = 32 * 1024;
const pieces = artifactBytes / pieceBytes;
const linkBytesPerSecond = 256 * 1024;
const idealMs = (artifactBytes / linkBytesPerSecond) * 1000;
/** In virtual time: silence is noticed after up to a minute, and then it goes on. */
const limitMs = 300_000;
const lookMs = 20;

/** One test for each seed; the title of one that failed says how to run it again. */
function forSeeds(title: string, run: (scene: Scene) => Promise<void>): void {
  const wanted = process.env["SEED"];
  const chosen =
    wanted === undefined ? Array.from({ length: seeds }, (_, seed) => seed + 1) : [Number(wanted)];
  for (const seed of chosen)
    it(`${title} (SEED=${seed})`, async () => {
      const scene = new Scene(seed);
      await scene.offer();
      await run(scene);
      await scene.swarm.stop();
    });
}

/** A hub with an artifact, and drones that take it. */
class Scene {
  readonly swarm: TrackedSwarm;
  readonly artifact: MadeArtifact;
  readonly takers: Taker[] = [];

  constructor(seed: number) {
    this.swarm = new TrackedSwarm({ seed, linkBytesPerSecond });
    this.artifact = makeArtifact(seed, artifactBytes, pieceBytes);
  }

  get clock() {
    return this.swarm.swarm.clock;
  }

  get hubShare(): Share {
    return this.swarm.offered.get(this.artifact.id) ?? assert.fail();
  }

  async offer(): Promise<void> {
    await this.swarm.offer(this.artifact);
  }

  begin(count = drones): void {
    for (let index = 0; index < count; index++) this.#take(`web-${index}`);
  }

  #take(name: string): void {
    this.takers.push(this.swarm.take(name, this.artifact));
  }

  /** Until that part of all pieces is there, at all drones together. */
  async untilPart(part: number): Promise<void> {
    const had = () => this.takers.reduce((sum, { share }) => sum + share.report.pieces, 0);
    await this.until("so much is there", () => had() >= part * pieces * this.takers.length);
  }

  /** Looked at now and then: between any two moments would be too often. */
  async until(what: string, condition: () => boolean): Promise<void> {
    for (let passedMs = 0; !condition(); passedMs += lookMs) {
      assert.ok(passedMs < limitMs, `${what} did not come true`);
      await this.clock.advance(lookMs);
    }
  }

  /** All of these end with every byte. */
  async whole(takers: readonly Taker[] = this.takers, artifact = this.artifact): Promise<void> {
    await this.until("all are settled", () => takers.every(({ isSettled }) => isSettled));
    for (const taker of takers) {
      assert.equal(taker.failure, undefined, `${taker.drone.name}: ${taker.failure?.message}`);
      assert.ok(taker.has(artifact), taker.drone.name);
    }
  }

  /** A third of the drones, by chance, and the rest. */
  aThird(): { third: Taker[]; rest: Taker[] } {
    const rest = [...this.takers];
    const third = Array.from({ length: Math.floor(drones / 3) }, () => {
      const [one] = rest.splice(Math.floor(this.swarm.fraction() * rest.length), 1);
      return one ?? assert.fail();
    });
    return { third, rest };
  }

  /** Others that behave like that; the tracker introduces drones to them. */
  rogues(count: number, begin: (to: RogueLine) => void, behave: Behaviour): void {
    const { artifact } = this;
    for (let index = 0; index < count; index++) {
      const name = `rogue-${index}`;
      const rogue = new Rogue(this.swarm.swarm, { name, artifact, begin, behave });
      this.swarm.seat(rogue.name, artifact);
    }
  }

  /** A block with all of a piece; as a rogue sends it. */
  block(piece: number): Uint8Array {
    const frame = new Uint8Array(blockHeadBytes + pieceBytes);
    writeBlockHead(frame, { piece, offset: 0, bytes: pieceBytes });
    const start = piece * pieceBytes;
    frame.set(this.artifact.bytes.subarray(start, start + pieceBytes), blockHeadBytes);
    return frame;
  }
}

describe("a swarm whose machines die", () => {
  forSeeds("finishes without the hub once a full copy of it is out", async (scene) => {
    scene.begin();
    const isOut = () => {
      if (scene.hubShare.report.sentBytes < artifactBytes) return false;
      const files = scene.takers.map(({ drone }) => drone.files.bytesOf(scene.artifact.id));
      const has = (at: number) => files.some((file) => isSame(file, scene.artifact.bytes, at));
      return Array.from({ length: pieces }, (_, piece) => piece * pieceBytes).every(has);
    };
    await scene.until("one copy is out", isOut);
    scene.swarm.kill("hub", scene.swarm.pick(["process", "power"]));
    await scene.whole();
  });

  forSeeds("finishes for all when a third dies and comes back with what it had", async (scene) => {
    scene.begin();
    await scene.untilPart(0.2 + 0.6 * scene.swarm.fraction());
    const { third, rest } = scene.aThird();
    const had = third.map(({ share }) => share.report.pieces);
    for (const { drone } of third) scene.swarm.kill(drone.name);
    await scene.clock.advance(scene.swarm.fraction() * 3_000);
    const back = third.map(({ drone }) =>
      scene.swarm.take(drone.name, scene.artifact, { files: drone.files }),
    );
    await scene.whole([...rest, ...back]);
    for (const [index, { share }] of back.entries()) {
      const missing = (pieces - (had[index] ?? 0)) * pieceBytes;
      const { receivedBytes, wastedBytes } = share.report;
      const again = (receivedBytes - wastedBytes - missing) / pieceBytes;
      // One may be on its way twice at the end, and is not known to be in vain before it is here.
      assert.ok(again < 2, `${again} pieces came that were there`);
    }
  });

  forSeeds("finishes for the others when a third vanishes without a word", async (scene) => {
    scene.begin();
    await scene.untilPart(0.2 + 0.6 * scene.swarm.fraction());
    const { third, rest } = scene.aThird();
    for (const { drone } of third) scene.swarm.kill(drone.name, "power");
    await scene.whole(rest);
  });

  forSeeds("finishes over links that drop all the time", async (scene) => {
    scene.begin();
    const names = [...scene.takers.map(({ drone }) => drone.name), "hub"];
    const cutOne = () => {
      if (scene.takers.every(({ isSettled }) => isSettled)) return;
      scene.swarm.swarm.lines.cut(scene.swarm.pick(names), scene.swarm.pick(names));
      scene.clock.after(scene.swarm.fraction() * 200, cutOne);
    };
    cutOne();
    await scene.whole();
  });

  forSeeds("names the full disk of one, and finishes for the others", async (scene) => {
    scene.begin();
    await scene.untilPart(0.8 * scene.swarm.fraction());
    const unlucky = scene.swarm.pick(scene.takers);
    unlucky.drone.files.isFull = true;
    await scene.whole(scene.takers.filter((taker) => taker !== unlucky));
    await scene.until("it is settled", () => unlucky.isSettled);
    if (!unlucky.has(scene.artifact)) assert.equal(unlucky.failure?.code, "DATA_UNUSABLE");
  });
});

describe("a swarm with peers that are bad", () => {
  const bad: Readonly<Record<string, (scene: Scene) => Behaviour>> = {
    "send garbage": () => (_, to) =>
      to.line.send(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")),
    "send wrong pieces": (scene) => (frame, to) => {
      if (frame.kind !== "request") return;
      for (const piece of frame.pieces) {
        const block = scene.block(piece);
        const at = blockHeadBytes + Math.floor(scene.swarm.fraction() * pieceBytes);
        block[at] = (block[at] ?? 0) ^ 1;
        to.line.send(block);
      }
    },
    "send nothing": () => () => undefined,
    "have not what they say they have": () => (frame, to) => {
      if (frame.kind === "request") to.say({ kind: "reject", pieces: frame.pieces });
    },
    "send a byte a second": (scene) => (frame, to) => {
      if (frame.kind !== "request") return;
      const block = scene.block(frame.pieces[0] ?? 0);
      let at = blockHeadBytes;
      to.line.send(block.subarray(0, at));
      const next = () => {
        if (at > 200) return;
        to.line.send(block.subarray(at, ++at));
        scene.clock.after(1_000, next);
      };
      next();
    },
  };

  for (const [what, behaviour] of Object.entries(bad))
    forSeeds(`finishes beside two of twelve that ${what}`, async (scene) => {
      const claimAll = (to: RogueLine) => to.say(fullHello(scene.artifact));
      scene.begin(drones / 2);
      scene.rogues(2, claimAll, behaviour(scene));
      scene.begin(drones - 2);
      await scene.whole();
      const lastMs = Math.max(...scene.takers.map(({ wholeAfterMs }) => wholeAfterMs ?? Infinity));
      assert.ok(lastMs < 6 * idealMs, `${lastMs} ms`);
      for (const { share } of scene.takers)
        for (const { peer } of share.report.banned ?? [])
          assert.match(peer, /^rogue-/, "an honest one is not believed");
    });
});

describe("who comes late, for the same, or for something else", () => {
  forSeeds("has everything soon when it comes at 90 %", async (scene) => {
    scene.begin();
    await scene.untilPart(0.9);
    const late = scene.swarm.take("late", scene.artifact);
    await scene.whole([...scene.takers, late]);
    assert.ok((late.wholeAfterMs ?? Infinity) < 2 * idealMs, `${late.wholeAfterMs} ms`);
    const copies = scene.hubShare.report.sentBytes / artifactBytes;
    assert.ok(copies < 2, `the hub sent ${copies} copies`);
  });

  forSeeds("is one part when two deploys want the same", async (scene) => {
    scene.begin();
    await scene.untilPart(0.5 * scene.swarm.fraction());
    const again = scene.takers.map(({ drone }) => scene.swarm.take(drone.name, scene.artifact));
    for (const [index, { share }] of again.entries())
      assert.equal(share, scene.takers[index]?.share);
    await scene.whole([...scene.takers, ...again]);
    for (const { share } of scene.takers) {
      const { receivedBytes } = share.report;
      assert.ok(receivedBytes < 1.5 * artifactBytes, `${receivedBytes} bytes came`);
    }
  });

  forSeeds("finishes with two artifacts at once", async (scene) => {
    const second = makeArtifact(1_000, artifactBytes, pieceBytes);
    await scene.swarm.offer(second);
    scene.begin();
    const others = scene.takers.map(({ drone }) => scene.swarm.take(drone.name, second));
    await scene.whole();
    await scene.whole(others, second);
  });
});

describe("a stranger", () => {
  forSeeds("gets no line with a capability that is wrong, over, or another's", async (scene) => {
    scene.begin();
    const { artifact } = scene;
    const network = scene.swarm.swarm.lines.host({
      name: "stranger",
      upBytesPerSecond: 1e9,
      downBytesPerSecond: 1e9,
    });
    const names = ["hub", ...scene.takers.map(({ drone }) => drone.name)];
    const refused: string[] = [];
    const knock = async () => {
      const now = Math.floor(scene.clock.monotonic());
      const claim = { artifact: artifact.id, holder: "stranger", expiresAt: now + 60_000 };
      const key = (secret: string, of = claim) => keyOfClaim(nodeCrypto, secret, of);
      const over = { ...claim, expiresAt: now - 1 };
      const tries = [
        { claim, key: key("0".repeat(64)) },
        { claim: over, key: key(artifact.secret, over) },
        { claim: { ...claim, holder: "web-0" }, key: key(artifact.secret) },
        { claim: { ...claim, artifact: "f".repeat(64) }, key: key(artifact.secret) },
      ];
      const made = scene.swarm.pick(tries);
      const address = { host: scene.swarm.pick(names), port: 1 };
      await assert.rejects(network.dial(address, made.claim, made.key, 1_000), { code: "DENIED" });
      refused.push(encodeClaim(made.claim));
    };
    const knocks: Promise<void>[] = [];
    const again = () => {
      if (scene.takers.every(({ isSettled }) => isSettled)) return;
      knocks.push(knock());
      scene.clock.after(100, again);
    };
    again();
    await scene.whole();
    await scene.clock.advance(1_000);
    await Promise.all(knocks);
    assert.equal(refused.length, knocks.length);
    assert.ok(refused.length > 10);
  });
});

function isSame(file: Uint8Array | undefined, bytes: Uint8Array, at: number): boolean {
  return bytes.subarray(at, at + 8).every((byte, index) => file?.[at + index] === byte);
}
