import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { SettingRow, SettingRows } from "../../src/core/rows.js";
import {
  changeSettings,
  checkNames,
  checkSetting,
  compareSettings,
  compareVariables,
} from "../../src/core/settings.js";
import { emptySpecification, service } from "../support/specifications.js";

let nonce = 0;
/** Hidden anew each time, as the real ones are. */
const hidden = (value: string, secret = false): SettingRow => ({
  hidden: `${nonce++}:${value}`,
  secret,
  at: 1,
  by: "ann",
});
const reveal = ({ hidden: text }: SettingRow) => text.slice(text.indexOf(":") + 1);
const rows = (values: Readonly<Record<string, SettingRow>>) => new Map(Object.entries(values));
const values = (settings: SettingRows) =>
  Object.fromEntries(Object.entries(settings).map(([name, row]) => [name, reveal(row)]));

test("what is set, changed and unset is told, in the order in which it was given", () => {
  const before = { A: hidden("1"), B: hidden("2"), C: hidden("3") };
  const set = rows({ NEW: hidden("x"), B: hidden("two") });
  const { settings, changed } = changeSettings(before, { set, unset: ["C", "NONE"] }, reveal);
  assert.deepEqual(changed, ["NEW", "B", "C"]);
  assert.deepEqual(values(settings), { A: "1", B: "two", NEW: "x" });
});

test("an equal value that is set again changes nothing, not even who set it", () => {
  const before = { A: hidden("1"), S: hidden("s", true) };
  const set = rows({ A: hidden("1"), S: hidden("s", true) });
  const { settings, changed } = changeSettings(before, { set, unset: [] }, reveal);
  assert.deepEqual(changed, []);
  assert.deepEqual(settings, before);
});

test("a secret does not become readable by being set without care; the other way it may", () => {
  const secret = { TOKEN: hidden("s", true) };
  const open = { set: rows({ TOKEN: hidden("x") }), unset: [] };
  assert.throws(() => changeSettings(secret, open, reveal), /TOKEN is a secret/);
  const closing = { set: rows({ A: hidden("1", true) }), unset: [] };
  assert.deepEqual(changeSettings({ A: hidden("1") }, closing, reveal).changed, ["A"]);
});

test("doing and undoing a change is no difference but in what was hidden anew", () => {
  const name = fc.constantFrom("A", "B", "C", "D");
  fc.assert(
    fc.property(fc.dictionary(name, fc.string()), fc.dictionary(name, fc.string()), (a, b) => {
      const from = Object.fromEntries(Object.entries(a).map(([key, one]) => [key, hidden(one)]));
      const to = rows(
        Object.fromEntries(Object.entries(b).map(([key, one]) => [key, hidden(one)])),
      );
      const unset = Object.keys(a).filter((key) => !Object.hasOwn(b, key));
      const { settings, changed } = changeSettings(from, { set: to, unset }, reveal);
      assert.deepEqual(values(settings), { ...b });
      const differing = compareSettings(from, settings).map((change) => change.name);
      assert.deepEqual([...changed].sort(), differing);
    }),
  );
});

test("names that no variable has, or that propagit sets itself, are refused", () => {
  const check = (name: string, value = "x") => checkSetting({ name, value, secret: false });
  for (const name of ["A", "_a1", "node_env", "x".repeat(128)]) check(name);
  for (const name of ["", "1A", "A-B", "A B", "Ä", "__proto__", "x".repeat(129), "A\n"]) {
    assert.throws(() => check(name), { code: "BAD_SETTING" }, name);
  }
  for (const name of ["PORT", "PORT_ADMIN", "COMMIT", "REGISTRY_TOKEN", "PROCESS_ID"]) {
    assert.throws(() => check(name), /set by propagit itself/, name);
  }
});

test("a value that cannot be is refused without being repeated", () => {
  const secret = `hunter2${"x".repeat(40_000)}`;
  for (const value of [secret, "hunter2\0"]) {
    assert.throws(
      () => checkSetting({ name: "A", value, secret: true }),
      (error: Error) => !error.message.includes("hunter2"),
    );
  }
});

test("a name that is there twice is refused, and so is too much", () => {
  const one = { name: "A", value: "1", secret: false };
  assert.throws(() => checkNames([one, one], []), /twice/);
  assert.throws(() => checkNames([one], ["A"]), /twice/);
  const many = Array.from({ length: 501 }, (_, at) => [`A${at}`, hidden("x")] as const);
  assert.throws(() => changeSettings({}, { set: new Map(many), unset: [] }, reveal), /500/);
  const big = Array.from(
    { length: 40 },
    (_, at) => [`A${at}`, hidden("x".repeat(30_000))] as const,
  );
  assert.throws(() => changeSettings({}, { set: new Map(big), unset: [] }, reveal), /1000000/);
});

test("variables of manifests are compared by name, wherever they are", () => {
  const from = { ...emptySpecification, services: [service("web", { env: { A: "1", B: "2" } })] };
  const to = {
    ...emptySpecification,
    services: [service("web", { env: { A: "1", C: "3" } }), service("say", { env: { B: "2" } })],
  };
  assert.deepEqual(compareVariables(from, to), [
    { name: "B", change: "changed", secret: false },
    { name: "C", change: "added", secret: false },
  ]);
  assert.deepEqual(
    compareVariables(undefined, from).map(({ change }) => change),
    ["added", "added"],
  );
});
