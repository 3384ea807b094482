import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { showTable } from "../../src/index.js";
import { commitA, commitB, endpoint } from "../support/samples.js";

describe("the shown table", () => {
  it("is as the walk-through has it", () => {
    const table = showTable([
      endpoint({ id: "1", commit: commitA, service: "say", host: "127.0.0.1", port: 13308 }),
      endpoint({ id: "2", commit: commitA, service: "http", host: "127.0.0.1", port: 15194 }),
    ]);
    assert.equal(
      JSON.stringify(table),
      `{"${commitA}":{"http":[{"host":"127.0.0.1","port":15194}],"say":[{"host":"127.0.0.1","port":13308}]}}`,
    );
  });

  it("looks the same whatever order the records come in", () => {
    const endpoints = [
      endpoint({ id: "1", commit: commitA, port: 3 }),
      endpoint({ id: "2", commit: commitB, port: 1 }),
      endpoint({ id: "3", commit: commitB, port: 2, host: "10.0.0.0" }),
      endpoint({ id: "4" }),
    ];
    const table = showTable(endpoints);
    assert.equal(JSON.stringify(showTable(endpoints.toReversed())), JSON.stringify(table));
    assert.deepEqual(Object.keys(table), ["-", commitB, commitA]);
    assert.deepEqual(table[commitB]?.["http"], [
      { host: "10.0.0.0", port: 2 },
      { host: "10.0.0.1", port: 1 },
    ]);
  });
});
