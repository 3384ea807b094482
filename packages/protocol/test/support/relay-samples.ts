/** Samples of what relays and their hub tell each other, with every optional field. */
import type { relayTellings, Telling } from "../../src/index.js";

export const relayTellingSamples: { [T in keyof typeof relayTellings]: Telling<T> } = {
  "relay.open": { channel: 7, path: "/session", host: "10.0.2.17" },
  "relay.data": { channel: 7, text: '{"v":2,"kind":"challenge"', more: true },
  "relay.taken": { channel: 7, chars: 65_536 },
  "relay.close": { channel: 7, reason: "closed (1006)" },
  "drone.ways": { ways: ["10.0.2.1:6001", "hubhost:6001"] },
};
