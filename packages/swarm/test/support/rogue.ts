/** A peer that says what a test wants, on a line of its own. */
import { keyOfClaim, type PeerLine, type PeerNetwork } from "../../src/index.js";
import { nodeCrypto } from "@propagit/runtime";
import { encodeFrame, type ControlFrame, type PeerFrame } from "../../src/core/frames.js";
import { FrameParser } from "../../src/core/frame-parser.js";
import type { MadeArtifact, TestSwarm } from "./swarm.js";

export interface RogueLine {
  readonly line: PeerLine;
  say(frame: ControlFrame): void;
}

export type Behaviour = (frame: PeerFrame, to: RogueLine) => void;

/** Joins as a host that anybody may dial, and does on each line what `behave` does. */
export class Rogue {
  readonly name: string;
  readonly network: PeerNetwork;
  readonly #artifact: MadeArtifact;
  readonly #behave: Behaviour;
  readonly #begin: (to: RogueLine) => void;
  lines = 0;

  constructor(
    swarm: TestSwarm,
    options: {
      readonly name: string;
      readonly artifact: MadeArtifact;
      readonly begin: (to: RogueLine) => void;
      readonly behave: Behaviour;
    },
  ) {
    this.name = options.name;
    this.#artifact = options.artifact;
    this.#behave = options.behave;
    this.#begin = options.begin;
    const { secret } = options.artifact;
    this.network = swarm.lines.host({
      name: options.name,
      upBytesPerSecond: 1e9,
      downBytesPerSecond: 1e9,
      listener: {
        keyFor: (identity) => nodeCrypto.mac(secret, identity),
        accept: (line) => this.#take(line),
      },
    });
  }

  async dial(host: string, expiresAt: number): Promise<void> {
    const claim = { artifact: this.#artifact.id, holder: this.name, expiresAt };
    const key = keyOfClaim(nodeCrypto, this.#artifact.secret, claim);
    this.#take(await this.network.dial({ host, port: 1 }, claim, key, 1000));
  }

  #take(line: PeerLine): void {
    this.lines++;
    const parser = new FrameParser();
    const to: RogueLine = { line, say: (frame) => line.send(encodeFrame(frame)) };
    line.listen({
      data: (bytes) => void parser.push(bytes, (frame) => this.#behave(frame, to)),
      drained: () => undefined,
      closed: () => undefined,
    });
    this.#begin(to);
  }
}

/** A hello of somebody who says that he has everything. */
export function fullHello(artifact: MadeArtifact): ControlFrame {
  const pieces = artifact.manifest.pieces.length / 64;
  const bits = new Uint8Array(Math.ceil(pieces / 8)).fill(0xff);
  const spare = bits.length * 8 - pieces;
  bits[bits.length - 1] = (0xff << spare) & 0xff;
  return { kind: "hello", pieces, bits, chooses: false, zone: "" };
}
