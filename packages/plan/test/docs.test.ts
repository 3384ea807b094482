import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { planSchema } from "../src/index.js";
import { planText, refusalOf } from "./support/reading.js";
import { testCommands } from "./support/test-commands.js";

const page = readFileSync(new URL("../../../../docs/plans.md", import.meta.url), "utf8");

describe("docs/plans.md", () => {
  it("has examples of plans that can be read", () => {
    const examples = [...page.matchAll(/^```yaml\n(name: [^]*?)^```/gm)];
    assert.ok(examples.length > 0);
    for (const [, text = ""] of examples) assert.equal(refusalOf(text), "nothing is refused");
  });

  it("has examples of gates that can be read, one for each there is", () => {
    const gates = [...page.matchAll(/^\| (`\{.*?\}`(?:, `\{.*?\}`)*) +\|/gm)]
      .flatMap(([, cell = ""]) => cell.split("`, `"))
      .map((text) => text.replaceAll("`", ""));
    for (const gate of gates) {
      assert.equal(refusalOf(planText([`gate: ${gate}`])), "nothing is refused", gate);
    }
    const kinds = gates.map((gate) => Object.keys(parse(gate) as object)[0]);
    assert.deepEqual(
      new Set(kinds),
      new Set(["approval", "canary", "command", "errors", "health", "http", "window"]),
    );
  });

  it("names every key of a plan, a stage, a task and a gate", () => {
    const keys = new Set<string>();
    const look = (part: unknown): void => {
      if (typeof part !== "object" || part === null) return;
      const { properties } = part as { readonly properties?: object };
      for (const key of Object.keys(properties ?? {})) keys.add(key);
      Object.values(part).forEach(look);
    };
    look(planSchema(new Map([...testCommands].filter(([name]) => name === "execute"))));
    const own = ["run", "wait"];
    const unnamed = [...keys].filter(
      (key) => !own.includes(key) && !new RegExp(`\`[^\`]*\\b${key}\\b[^\`]*\``).test(page),
    );
    assert.deepEqual(unnamed, []);
  });
});
