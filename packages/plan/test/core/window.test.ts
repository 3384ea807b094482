import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isOpen, opensAt } from "../../src/core/window.js";
import type { TimeWindow } from "../../src/plan.js";

const berlin: TimeWindow = {
  days: [1, 2, 3, 4, 5],
  fromMinute: 9 * 60,
  toMinute: 17 * 60,
  timeZone: "Europe/Berlin",
};
const everyDay = [1, 2, 3, 4, 5, 6, 7];

function night(from: string, to: string): TimeWindow {
  return {
    days: everyDay,
    fromMinute: minute(from),
    toMinute: minute(to),
    timeZone: "Europe/Berlin",
  };
}

function minute(text: string): number {
  const [hours = 0, minutes = 0] = text.split(":").map(Number);
  return hours * 60 + minutes;
}

/** The next opening after a time, both as ISO. */
function next(window: TimeWindow, at: string): string | undefined {
  const opens = opensAt(window, Date.parse(at));
  return opens === undefined ? undefined : new Date(opens).toISOString().replace(":00.000Z", "Z");
}

describe("a window", () => {
  it("is open in its hours, on its days, as the clock of its zone shows them", () => {
    const open = (at: string) => isOpen(berlin, Date.parse(at));
    assert.equal(open("2026-03-02T07:59:59Z"), false);
    assert.equal(open("2026-03-02T08:00:00Z"), true);
    assert.equal(open("2026-03-02T15:59:59Z"), true);
    assert.equal(open("2026-03-02T16:00:00Z"), false);
    assert.equal(open("2026-03-07T10:00:00Z"), false, "a Saturday");
    assert.equal(open("2026-07-01T07:00:00Z"), true, "summer time");
  });

  it("opens next when its hours begin, over the week-end and over the change of the clock", () => {
    assert.equal(next(berlin, "2026-03-02T09:00:10Z"), "2026-03-02T09:00:10.000Z");
    assert.equal(next(berlin, "2026-03-02T16:00:00Z"), "2026-03-03T08:00Z");
    assert.equal(next(berlin, "2026-03-06T16:00:00Z"), "2026-03-09T08:00Z");
    assert.equal(next(berlin, "2026-03-27T16:00:00Z"), "2026-03-30T07:00Z", "an hour less");
    assert.equal(next(berlin, "2026-10-23T15:00:00Z"), "2026-10-26T08:00Z", "an hour more");
  });

  it("that reaches over midnight is of the day on which it begins", () => {
    const friday: TimeWindow = { ...night("22:00", "02:00"), days: [5] };
    const open = (at: string) => isOpen(friday, Date.parse(at));
    assert.equal(open("2026-03-06T21:00:00Z"), true);
    assert.equal(open("2026-03-07T00:59:00Z"), true, "Saturday, still Friday's");
    assert.equal(open("2026-03-07T01:00:00Z"), false);
    assert.equal(open("2026-03-06T00:30:00Z"), false, "Thursday's night is none");
    assert.equal(next(friday, "2026-03-07T01:00:00Z"), "2026-03-13T21:00Z");
  });

  it("opens at the jump when that passes its beginning", () => {
    // 02:00 becomes 03:00 in the night to March 29.
    const before = "2026-03-29T00:10:00Z";
    assert.equal(next(night("02:30", "04:00"), before), "2026-03-29T01:00Z");
    assert.equal(
      next(night("02:10", "02:50"), before),
      "2026-03-30T00:10Z",
      "it is not that night",
    );
  });

  it("has both of an hour that comes twice", () => {
    // 03:00 becomes 02:00 in the night to October 25.
    const window = night("02:30", "03:00");
    const open = ["00:15", "00:45", "01:15", "01:45", "02:00"].map((time) => {
      return isOpen(window, Date.parse(`2026-10-25T${time}:00Z`));
    });
    assert.deepEqual(open, [false, true, false, true, false]);
    assert.equal(next(window, "2026-10-25T01:00:00Z"), "2026-10-25T01:30Z");
  });

  it("knows zones with odd minutes and those south of the equator", () => {
    const at = (timeZone: string): TimeWindow => ({ ...night("09:00", "10:00"), timeZone });
    assert.equal(next(at("Asia/Kathmandu"), "2026-03-02T00:00:00Z"), "2026-03-02T03:15Z");
    assert.equal(next(at("Australia/Lord_Howe"), "2026-04-04T12:00:00Z"), "2026-04-04T22:30Z");
    assert.equal(next(at("Pacific/Apia"), "2026-03-01T21:00:00Z"), "2026-03-02T20:00Z");
  });

  it("without a day never opens", () => {
    assert.equal(opensAt({ ...berlin, days: [] }, 0), undefined);
  });

  it("opens next at the first minute in which it is open, whatever it is", () => {
    const zones = [
      "UTC",
      "Europe/Berlin",
      "America/New_York",
      "Australia/Lord_Howe",
      "Asia/Kolkata",
    ];
    const starts = [
      "2026-03-08T00:00Z",
      "2026-03-28T20:00Z",
      "2026-10-24T20:00Z",
      "2026-04-04T10:00Z",
    ];
    fc.assert(
      fc.property(
        fc.record({
          days: fc.subarray(everyDay),
          fromMinute: fc.integer({ min: 0, max: 1439 }),
          toMinute: fc.integer({ min: 0, max: 1440 }),
          timeZone: fc.constantFrom(...zones),
        }),
        fc.constantFrom(...starts),
        fc.integer({ min: 0, max: 600 }),
        (window, start, minutes) => {
          const now = Date.parse(start) + minutes * 60_000;
          const opens = opensAt(window, now) ?? Infinity;
          // A day is looked at minute by minute.
          for (let at = now; at < Math.min(opens, now + 26 * 3_600_000); at += 60_000) {
            assert.equal(isOpen(window, at), false, new Date(at).toISOString());
          }
          if (opens < Infinity) assert.equal(isOpen(window, opens), true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
