/**
 * Golden files: what is on the wire today. A frame that is in one of them must be understood for ever, so a
 * schema may only change in a way that still takes the old sample, and never without the file changing too.
 *
 *     UPDATE_GOLDEN=1 script/test protocol/test/golden      writes them after a change that was meant
 *
 * Only a new version of the protocol may break with the one before: there, delete what changes and run that.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  bodySchemas,
  check,
  decodeBody,
  decodeHandshake,
  handshakeSchemas,
  methods,
  tellings,
} from "../src/index.js";
import { bodySamples, handshakeSamples, methodSamples, tellingSamples } from "./support/samples.js";

const folder = join(import.meta.dirname, "../../test/golden");
const isUpdating = process.env["UPDATE_GOLDEN"] === "1";

interface Golden {
  readonly sample: unknown;
  readonly schema: unknown;
}

/** Everything that travels, by the name of its golden file. */
const current = new Map<string, Golden>([
  ...entries("handshake", handshakeSchemas, handshakeSamples),
  ...entries("body", bodySchemas, bodySamples),
  ...entries("telling", tellings, tellingSamples),
  ...Object.entries(methods).flatMap(([method, schemas]) =>
    entries(method, onlySchemas(schemas), methodSamples[method as keyof typeof methods]),
  ),
]);

describe("golden files", () => {
  if (isUpdating) update();

  it("are there for everything that travels, and for nothing else", () => {
    const files = readdirSync(folder).map((file) => file.replace(/\.json$/, ""));
    assert.deepEqual(files.sort(), [...current.keys()].sort());
  });

  for (const [name, { sample, schema }] of current) {
    it(`${name}: the sample is valid, and schema and sample are those of the file`, () => {
      assert.deepEqual(check(schema as Parameters<typeof check>[0], sample), {
        ok: true,
        value: sample,
      });
      assert.deepEqual(
        read(name),
        plain({ sample, schema }),
        `${name} travels in another shape than test/golden/${name}.json says; if that was meant, run ` +
          "UPDATE_GOLDEN=1 script/test protocol/test/golden",
      );
    });
  }

  for (const kind of Object.keys(handshakeSchemas)) {
    it(`handshake.${kind} is understood as it stands in the file`, () => {
      const { sample } = read(`handshake.${kind}`);
      assert.deepEqual(decodeHandshake(JSON.stringify(sample)), { ok: true, value: sample });
    });
  }

  for (const kind of Object.keys(bodySchemas)) {
    it(`body.${kind} is understood as it stands in the file`, () => {
      const { sample } = read(`body.${kind}`);
      assert.deepEqual(decodeBody(JSON.stringify(sample)), { ok: true, value: sample });
    });
  }
});

function entries(
  prefix: string,
  schemas: Readonly<Record<string, unknown>>,
  samples: object,
): [string, Golden][] {
  const byName = samples as Readonly<Record<string, unknown>>;
  return Object.entries(schemas).map(([name, schema]) => [
    `${prefix}.${name}`,
    { sample: byName[name], schema },
  ]);
}

function onlySchemas({ params, result, part }: Readonly<Record<string, unknown>>) {
  return { params, result, ...(part !== undefined && { part }) };
}

function read(name: string): Golden {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Golden;
}

/** As JSON has it: without what only lives in memory. */
function plain(golden: Golden): Golden {
  return JSON.parse(JSON.stringify(golden)) as Golden;
}

function update(): void {
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    const name = file.replace(/\.json$/, "");
    const now = current.get(name);
    assert.ok(now, `${name} was taken away, but peers of this version still send it`);
    const checked = check(now.schema as Parameters<typeof check>[0], read(name).sample);
    assert.ok(
      checked.ok,
      `${name} no longer takes what it took: ${checked.ok || checked.reason}; add a new kind, method or optional field instead`,
    );
  }
  for (const [name, golden] of current) {
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(golden, null, 2)}\n`);
  }
}
