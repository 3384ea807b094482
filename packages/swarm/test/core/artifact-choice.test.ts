import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { chooseCourse, coursesOf, type Course, type Made } from "../../src/core/artifact-choice.js";

const [wanted, older, old] = ["w".repeat(40), "o".repeat(40), "p".repeat(40)];
const made = (changes: Partial<Made>): Made => ({
  commit: wanted,
  base: undefined,
  bytes: 1_000_000,
  holders: 0,
  takers: 0,
  ...changes,
});
const thin = (base: string): Course => [{ commit: wanted, base }];
const whole: Course = [{ commit: wanted, base: undefined }];
const chain = (commit: string): Course => [
  { commit, base: undefined },
  { commit: wanted, base: commit },
];
const nobody = () => 0;

describe("the artifact of a commit", () => {
  it("is thin against what the drone has, or whole", () => {
    assert.deepEqual(coursesOf({ wanted, bases: [older, old], made: [] }), [
      thin(older),
      thin(old),
    ]);
    assert.deepEqual(coursesOf({ wanted, bases: [], made: [] }), [whole]);
    assert.deepEqual(coursesOf({ wanted, bases: [old], made: [made({})] }), [thin(old), whole]);
  });

  it("compares few bases, and first those that packs are made against", () => {
    const bases = ["1", "2", "3", "4", "5"];
    const courses = coursesOf({ wanted, bases, made: [made({ base: "5" })] });
    assert.deepEqual(courses, [thin("5"), thin("1"), thin("2")]);
  });

  it("is for a newcomer an older one that drones still hold, when the step from there is small", () => {
    const held = [made({ commit: older, holders: 7, bytes: 1_000_000 })];
    const courses = coursesOf({ wanted, bases: [], made: held });
    assert.deepEqual(courses, [whole, chain(older)]);
    const priced = [
      { course: whole, bytes: 1_000_000 },
      { course: chain(older), bytes: 1_100_000 },
    ];
    assert.deepEqual(chooseCourse(priced, held, nobody), chain(older));
    const dear = priced.map((one, at) => (at === 0 ? one : { ...one, bytes: 1_300_000 }));
    assert.deepEqual(chooseCourse(dear, held, nobody), whole);
  });

  it("is no chain over what nobody holds, or the drone has", () => {
    const held = [made({ commit: older, holders: 0 }), made({ commit: old, holders: 2 })];
    assert.deepEqual(coursesOf({ wanted, bases: [old], made: held }), [thin(old)]);
  });

  it("is what is made and held already, when others are hardly smaller", () => {
    const held = [made({ base: old, holders: 3 })];
    const priced = [
      { course: thin(older), bytes: 1_000_000 },
      { course: thin(old), bytes: 1_150_000 },
      { course: whole, bytes: 90_000_000 },
    ];
    assert.deepEqual(chooseCourse(priced, held, nobody), thin(old));
    const large = priced.map((one) => (one.course[0].base === old ? { ...one, bytes: 2e6 } : one));
    assert.deepEqual(chooseCourse(large, held, nobody), thin(older));
  });

  it("is against the base that most have, when nothing is made", () => {
    const priced = [
      { course: thin(older), bytes: 1_000_000 },
      { course: thin(old), bytes: 1_100_000 },
    ];
    const popularity = (commit: string) => (commit === old ? 60 : 4);
    assert.deepEqual(chooseCourse(priced, [], popularity), thin(old));
  });

  it("never costs more than a fifth above the smallest, but for a few packets", () => {
    const bytes = fc.nat({ max: 1e9 });
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 6 }), fc.nat(), (prices, seed) => {
        const priced = prices.map((price, at) => ({ course: thin(String(at)), bytes: price }));
        const held = priced.map((_, at) => made({ base: String(at), holders: (seed >> at) % 4 }));
        const chosen = chooseCourse(priced, held, (base) => (seed + Number(base)) % 7);
        const price = prices[Number(chosen?.[0].base)] ?? Number.NaN;
        const least = Math.min(...prices);
        assert.ok(price <= Math.max(least * 1.2, least + 16_384));
      }),
    );
  });
});
