/**
 * Node's parser and ours read the same bytes: sound messages, and such that were changed as attackers change them.
 *
 *     both accept      method, target, fields, body and the place of the next message are the same
 *     only Node does   fine: we are stricter
 *     only we do       one of the few reasons below
 *
 * `PROPAGIT_FUZZ=300000 node --test packages/http/dist/test/core/differential.test.js` for a long run,
 * `PROPAGIT_FUZZ_SEED=n` for the messages of one failure.
 */
import assert from "node:assert/strict";
import { METHODS } from "node:http";
import { describe, it } from "node:test";
import {
  makeAnswer,
  makeRequest,
  mutate,
  oneOf,
  type Random,
  randomOf,
} from "../support/message-maker.js";
import { type NodeReading, NodeServerReader, readWithNodeClient } from "../support/node-reading.js";
import {
  type ReadMessage,
  readOneAnswer,
  type Reading,
  readRequests,
} from "../support/own-reading.js";
import { askedGet, latin1 } from "../support/parsed.js";

const rounds = Number(process.env["PROPAGIT_FUZZ"] ?? 12_000);
const firstSeed = Number(process.env["PROPAGIT_FUZZ_SEED"] ?? 1);

/** Why Node may refuse what we accept. */
type Explanation = readonly [why: string, isIt: (refused: Refused) => boolean];

interface Refused {
  /** Node's code; empty when it only reads no further. */
  readonly error: string;
  readonly message: ReadMessage;
  readonly before: ReadMessage | undefined;
  readonly text: string;
}

const requestExplanations: readonly Explanation[] = [
  [
    "a method that Node does not know",
    ({ error, message }) =>
      error === "HPE_INVALID_METHOD" && !METHODS.includes(methodIn(message.line)),
  ],
  [
    "a message behind one that asks for an upgrade, which we heed only where it has no body",
    ({ error, before }) => error === "" && before !== undefined && asksForUpgrade(before),
  ],
];
const answerExplanations: readonly Explanation[] = [
  [
    "an interim answer that says close: the final one follows all the same",
    ({ error, text }) =>
      error === "HPE_CLOSED_CONNECTION" && /^HTTP\/1\.[01] 1[^]*?close[^]*?\r\n\r\n/i.test(text),
  ],
];

interface Tally {
  both: number;
  onlyNode: number;
  neither: number;
  readonly onlyWe: Map<string, number>;
}

describe("Node's parser and ours", () => {
  it(`agree about ${rounds} streams of requests`, async () => {
    const reader = new NodeServerReader();
    const tally = newTally();
    for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
      const text = requestsOf(randomOf(seed));
      const bytes = latin1(text);
      const node = await reader.read(bytes);
      compare(tally, requestExplanations, { seed, text, own: readRequests(bytes), node });
    }
    report(tally);
  });

  it(`agree about ${rounds} answers`, async () => {
    const tally = newTally();
    for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
      const random = randomOf(seed);
      const sound = makeAnswer(random);
      const text = random() < 0.2 ? sound : mutate(random, sound);
      const bytes = latin1(text);
      const node = await readWithNodeClient(bytes);
      compare(tally, answerExplanations, { seed, text, own: readOneAnswer(bytes, askedGet), node });
    }
    report(tally);
  });
});

/** One to three messages behind one another, and one that shows where the last of them ended. */
function requestsOf(random: Random): string {
  const count = oneOf(random, [1, 1, 2, 3]);
  const messages = Array.from({ length: count }, () => {
    const sound = makeRequest(random);
    return random() < 0.3 ? sound : mutate(random, sound);
  });
  return `${messages.join("")}GET /after HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

interface Compared {
  readonly seed: number;
  readonly text: string;
  readonly own: Reading;
  readonly node: NodeReading;
}

function compare(tally: Tally, explanations: readonly Explanation[], compared: Compared): void {
  const { seed, text, own, node } = compared;
  const shown = `seed ${seed}: ${JSON.stringify(text)}\nours: ${JSON.stringify(own)}\nnode: ${JSON.stringify(node)}`;
  const common = Math.min(own.messages.length, node.messages.length);
  for (let at = 0; at < common; at++) {
    assert.deepEqual(own.messages[at], node.messages[at], `message ${at} differs, ${shown}`);
  }
  tally.both += common;
  if (own.messages.length > common) {
    const message = own.messages[common] as ReadMessage;
    const refused = { error: node.error ?? "", message, before: own.messages[common - 1], text };
    const why = explanations.find(([, isIt]) => isIt(refused))?.[0];
    assert.ok(why !== undefined, `only we accept message ${common}, ${shown}`);
    tally.onlyWe.set(why, (tally.onlyWe.get(why) ?? 0) + 1);
  } else if (node.messages.length > common) {
    assert.ok(own.end === "refused" || own.end === "closed", `only Node reads on, ${shown}`);
    tally.onlyNode++;
  } else if (own.end === "refused") tally.neither++;
}

function methodIn(line: string): string {
  return line.split(" ")[0] ?? "";
}

function asksForUpgrade({ headers }: ReadMessage): boolean {
  const lower = headers.map((text) => text.toLowerCase());
  return lower.includes("upgrade") && lower.some((text) => /\bupgrade\b.*/.test(text));
}

function newTally(): Tally {
  return { both: 0, onlyNode: 0, neither: 0, onlyWe: new Map() };
}

function report({ both, onlyNode, neither, onlyWe }: Tally): void {
  const explained = [...onlyWe].map(([why, count]) => `${why}: ${count}`).join("; ");
  const counts = `${both} messages read by both the same, ${neither} streams refused by both, ${onlyNode} by us only`;
  process.stderr.write(`${counts}. Only we accept: ${explained || "none"}\n`);
}
