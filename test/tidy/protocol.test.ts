/** docs/protocol.md names everything that travels. */
import assert from "node:assert/strict";
import { it } from "node:test";
import {
  bodySchemas,
  frameBytesMax,
  handshakeMsMax,
  handshakeSchemas,
  heartbeatMsDefault,
  methods,
  protocolVersion,
  tellings,
} from "@propagit/protocol";
import { read } from "./sources.js";

const page = read("docs/protocol.md");
/** First two cells of every table row that begins with a name. */
const rows = [...page.matchAll(/^\| `([a-z.-]+)` *\| ([^|]*)\|/gm)].map((match) => [
  match[1] ?? "",
  (match[2] ?? "").trim(),
]);

it("docs/protocol.md lists every method with what it needs, in order", () => {
  assert.deepEqual(
    rows.filter(([name]) => name !== undefined && name in methods),
    Object.entries(methods).map(([name, { needs }]) => [name, needs]),
  );
});

it("docs/protocol.md lists every telling, every body and every frame of the handshake", () => {
  const names = rows.map(([name]) => name);
  const missing = [...Object.keys(tellings), ...Object.keys(bodySchemas)].filter(
    (name) => !names.includes(name),
  );
  assert.deepEqual(missing, []);
  for (const kind of Object.keys(handshakeSchemas)) assert.ok(page.includes(`${kind} {`), kind);
});

it("docs/protocol.md says the limits that are in force", () => {
  assert.match(page, new RegExp(`^\\| frame +\\| ${frameBytesMax / 1024 / 1024} MiB`, "m"));
  assert.match(page, new RegExp(`^\\| handshake +\\| ${handshakeMsMax / 1000} s`, "m"));
  assert.match(page, new RegExp(`${heartbeatMsDefault / 1000} s by default`));
  assert.match(page, new RegExp(`version of the protocol, now ${protocolVersion}\\.`));
});
