import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  object,
  orJust,
  overridden,
  plainOf,
  Problems,
  readYaml,
  text,
  whole,
  type LocatedMap,
} from "../src/index.js";
import { limits } from "./support/reading.js";

const check = orJust(object({ path: text(), every: whole(1, 9) }), "path");
const service = object({ port: whole(1, 9), check, user: text() });

function mapOf(yaml: string): LocatedMap {
  const node = readYaml(yaml, new Problems("", yaml), limits);
  assert.ok(node?.kind === "map");
  return node;
}

describe("a map laid over another", () => {
  const laid = (base: string, over: string) =>
    plainOf(service, overridden(service, mapOf(base), mapOf(over)));

  it("replaces what both say, keeps what only one says, and takes away what it calls null", () => {
    const made = laid("{ port: 1, user: a }", "{ port: 2, user: }");
    assert.deepEqual(made, { port: 2 });
  });

  it("is laid over the parts of a part, whether that was written in short or in long", () => {
    assert.deepEqual(laid("check: /up", "check: { every: 3 }"), {
      check: { path: "/up", every: 3 },
    });
    assert.deepEqual(laid("check: { every: 3 }", "check: /up"), {
      check: { every: 3, path: "/up" },
    });
  });

  it("has what is wrong with it told by its own path", () => {
    const problems = new Problems("", "");
    const whole = overridden(service, mapOf("{ port: 1 }"), mapOf("{ prot: 2 }"), "types.web");
    service.read(whole, "", problems);
    assert.equal(
      problems.all[0]?.message,
      '"prot" is not known in `types.web`; did you mean `port`?',
    );
  });
});
