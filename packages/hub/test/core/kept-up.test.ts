import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { groupsKeepingUp, type KeptService } from "../../src/core/planners/kept-up.js";

const dronesOf = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ identity: `i${at}`, name: `web-${at + 1}` }));

function kept(name: string, counts: readonly number[], least: number, away = 0): KeptService {
  const instances = new Map(counts.map((count, at) => [`i${at}`, count]));
  const up = counts.reduce((sum, one) => sum + one, 0);
  return { name, instances, up, total: up + away, least };
}

/** Numbers of the drones of each group, or why there are none. */
function groups(count: number, services: readonly KeptService[], force = false) {
  const split = groupsKeepingUp(dronesOf(count), services, force);
  if (split.kind === "refused") return split.why;
  return split.groups.map((group) => group.map(({ name }) => Number(name.slice(4))));
}

describe("drones that are touched together", () => {
  it("are all of them when nothing has to stay up", () => {
    assert.deepEqual(groups(3, []), [[1, 2, 3]]);
  });

  it("are ⌈N/(N−M)⌉ groups, as even as possible", () => {
    const web = kept("web", Array<number>(10).fill(1), 7);
    assert.deepEqual(groups(10, [web]), [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8],
      [9, 10],
    ]);
  });

  it("satisfy the strictest of several services, each where it is", () => {
    const web = kept("web", [1, 1, 1, 1, 1, 1], 4);
    const api = kept("api", [1, 1, 0, 0, 0, 0], 1);
    assert.deepEqual(groups(6, [web]), [
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    assert.deepEqual(groups(6, [web, api]), [[1], [2, 3], [4, 5], [6]]);
  });

  it("count all instances that a drone has", () => {
    assert.deepEqual(groups(3, [kept("web", [2, 2, 2], 2)]), [[1, 2], [3]]);
  });

  it("are refused when none may be, or one drone has too many; forced, they come one by one", () => {
    const none = [kept("web", [1, 1], 2)];
    assert.equal(groups(2, none), "service web keeps 2 of 2 instances up, so none may be replaced");
    assert.deepEqual(groups(2, none, true), [[1], [2]]);
    const packed = [kept("web", [3, 1], 2)];
    assert.equal(
      groups(2, packed),
      "service web keeps 2 of 4 instances up, and drone web-1 alone has 3 of them",
    );
    assert.deepEqual(groups(2, packed, true), [[1], [2]]);
  });

  it("do not count what is on drones that are away as up", () => {
    const away = "and 1 are on drones that are away, so none may be replaced";
    const web = [kept("web", [1, 1, 1], 3, 1)];
    assert.equal(groups(4, web), `service web keeps 3 of 4 instances up, ${away}`);
    assert.deepEqual(groups(4, [kept("web", [1, 1, 1], 2, 1)]), [[1], [2], [3, 4]]);
  });

  it("leave alone whoever has none of it", () => {
    assert.deepEqual(groups(4, [kept("web", [1, 0, 0, 0], 1)], true), [[1, 2, 3, 4]]);
  });
});

it("property: groups are all drones in their order, and none touches more than may be", () => {
  const counts = fc.array(fc.nat(3), { minLength: 8, maxLength: 8 });
  const services = fc.array(fc.tuple(counts, fc.nat(20)), { maxLength: 3 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), services, fc.boolean(), (count, said, force) => {
      const all = said.map(([own, least], at) => kept(`s${at}`, own.slice(0, count), least));
      const drones = dronesOf(count);
      const split = groupsKeepingUp(drones, all, force);
      if (split.kind === "refused") {
        const isOdd = all.some(({ instances, up, least }) =>
          [...instances.values()].some((one) => one > 0 && one > up - least),
        );
        assert.ok(isOdd && !force, split.why);
        return;
      }
      assert.deepEqual(split.groups.flat(), drones);
      assert.ok(split.groups.every((group) => group.length > 0));
      for (const group of split.groups) {
        for (const { instances, up, least } of all) {
          const own = group.map(({ identity }) => instances.get(identity) ?? 0);
          const having = own.filter((one) => one > 0);
          const sum = having.reduce((left, right) => left + right, 0);
          const isAlone = having.length === 0 || (force && having.length === 1);
          assert.ok(isAlone || sum <= up - least, `${sum} of ${up}`);
        }
      }
    }),
    { numRuns: 500 },
  );
});
