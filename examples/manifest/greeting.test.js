// The gate: when this fails, the old release stays.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";

it("greets", () => assert.match(readFileSync("web.js", "utf8"), /GREETING/));
