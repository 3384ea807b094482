import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { History } from "../../src/core/history.js";
import { endpoint } from "../support/samples.js";

function historyOf(changes: number, max: number): History {
  const history = new History("life", max);
  for (let port = 1; port <= changes; port++) {
    history.add({ kind: "up", endpoint: endpoint({ port }) });
  }
  return history;
}

const revisions = (history: History, revision: number, epoch = "life") =>
  history.since({ epoch, revision })?.map(({ at }) => at.revision);

describe("the history", () => {
  it("numbers changes one by one", () => {
    const history = historyOf(3, 10);
    assert.deepEqual(history.position, { epoch: "life", revision: 3 });
    assert.deepEqual(revisions(history, 0), [1, 2, 3]);
  });

  it("gives nothing to who has seen everything", () => {
    assert.deepEqual(revisions(historyOf(3, 10), 3), []);
  });

  it("goes back as far as its bound and no further", () => {
    const history = historyOf(25, 10);
    assert.deepEqual(revisions(history, 15), [16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    assert.equal(revisions(history, 14), undefined);
  });

  it("does not know positions of another life, or of the future", () => {
    assert.equal(revisions(historyOf(3, 10), 2, "another"), undefined);
    assert.equal(revisions(historyOf(3, 10), 4), undefined);
  });
});
