import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { matchesSelector, parseSelector } from "@propagit/protocol";
import fc from "fast-check";
import {
  place,
  type Place,
  type PlacedService,
  type PlacementQuestion,
} from "../../src/core/placement.js";
import { whyNoPlace } from "../../src/core/placement-refusal.js";

function service(count: number, per: "drone" | "total", on = "", port?: number): PlacedService {
  const ports = [port === undefined ? { name: "http" } : { name: "http", port }];
  return { name: "http", instances: { count, per }, on: [...parseSelector(on)], ports };
}

function drone(name: string, changes: Partial<Place> = {}): Place {
  return {
    identity: `id of ${name}`,
    name,
    labels: {},
    isThere: true,
    draining: false,
    ownCommand: false,
    has: 0,
    ready: 0,
    load: 0,
    ...changes,
  };
}

/** By name, as `a: 2, b: 1`. */
function placed(question: PlacementQuestion): string {
  const placement = place(question);
  return question.drones
    .filter(({ identity }) => placement.has(identity))
    .map(({ identity, name }) => `${name}: ${placement.get(identity)}`)
    .join(", ");
}

function placedOn(wanted: PlacedService, ...drones: Place[]): string {
  return placed({ service: wanted, drones });
}

const away = { isThere: false };

describe("instances per drone", () => {
  it("run on every drone that fits", () => {
    const web = { labels: { role: "web" } };
    const drones = [drone("a", web), drone("b"), drone("c", web)];
    assert.equal(placedOn(service(2, "drone", "role=web"), ...drones), "a: 2, c: 2");
  });

  it("are not put on drones that drain, have a command of their own, or are away", () => {
    const drones = [
      drone("a", { draining: true, has: 2 }),
      drone("b", { ownCommand: true }),
      drone("c", away),
      drone("d"),
    ];
    assert.equal(placedOn(service(2, "drone"), ...drones), "d: 2");
  });

  it("stay those of a drone that is away", () => {
    assert.equal(placedOn(service(2, "drone"), drone("a", { ...away, has: 2 })), "a: 2");
    assert.equal(placedOn(service(1, "drone"), drone("a", { ...away, has: 2 })), "a: 1");
  });

  it("that were ended by hand stay ended", () => {
    const held = new Map([["id of a", 1]]);
    const drones = [drone("a", { has: 2 }), drone("b", { has: 2 })];
    assert.equal(placed({ service: service(2, "drone"), drones, held }), "a: 1, b: 2");
  });

  it("are one where the port is fixed", () => {
    assert.equal(placedOn(service(3, "drone", "", 8080), drone("a")), "a: 1");
  });
});

describe("instances in total", () => {
  it("are spread over the drones that fit, first by name", () => {
    assert.equal(
      placedOn(service(4, "total"), drone("b"), drone("a"), drone("c")),
      "b: 1, a: 2, c: 1",
    );
  });

  it("go where least else runs, but are rather spread than put together there", () => {
    const drones = [drone("a", { load: 9 }), drone("b", { load: 1 }), drone("c")];
    assert.equal(placedOn(service(1, "total"), ...drones), "c: 1");
    assert.equal(placedOn(service(2, "total"), ...drones), "b: 1, c: 1");
    assert.equal(placedOn(service(3, "total"), ...drones), "a: 1, b: 1, c: 1");
  });

  it("stay where they are, however unevenly", () => {
    const drones = [drone("a", { has: 3, load: 20 }), drone("b")];
    assert.equal(placedOn(service(3, "total"), ...drones), "a: 3");
  });

  it("move from a drone that is away, and not back when it returns", () => {
    const [a, b] = [drone("a", { has: 2 }), drone("b", { has: 1 })];
    assert.equal(placedOn(service(3, "total"), { ...a, ...away }, b), "b: 3");
    assert.equal(placedOn(service(3, "total"), { ...a, has: 0 }, { ...b, has: 3 }), "b: 3");
  });

  it("stay with an away drone when there is no other", () => {
    const drones = [drone("a", { ...away, has: 2 }), drone("b", { draining: true })];
    assert.equal(placedOn(service(2, "total"), ...drones), "a: 2");
    assert.equal(placedOn(service(1, "total"), ...drones), "a: 1");
  });

  it("are taken where there are most, then what is not ready", () => {
    const drones = [drone("a", { has: 2, ready: 1 }), drone("b", { has: 2, ready: 2 })];
    assert.equal(placedOn(service(3, "total"), ...drones), "a: 1, b: 2");
    assert.equal(placedOn(service(1, "total"), ...drones), "b: 1");
  });

  it("that were ended by hand are not started elsewhere", () => {
    const held = new Map([["id of b", 1]]);
    const all = { service: service(3, "total"), held };
    const drones = ["a", "b", "c"].map((name) => drone(name, { has: 1 }));
    assert.equal(placed({ ...all, drones }), "a: 1, c: 1");
    const after = [drone("a", { has: 1 }), drone("b"), drone("c", { has: 1 })];
    assert.equal(placed({ ...all, drones: after }), "a: 1, c: 1");
  });

  it("with a fixed port are at most one for each drone", () => {
    assert.equal(placedOn(service(3, "total", "", 8080), drone("a"), drone("b")), "a: 1, b: 1");
  });

  it("of a draining drone wait for others to be ready only when that is asked for", () => {
    const draining = drone("a", { has: 2, ready: 2, draining: true });
    const ask = (b: Place, surge: boolean) =>
      placed({ service: service(2, "total"), drones: [draining, b], surge });
    assert.equal(ask(drone("b"), false), "b: 2");
    assert.equal(ask(drone("b"), true), "a: 2, b: 2");
    assert.equal(ask(drone("b", { has: 2, ready: 1 }), true), "a: 1, b: 2");
    assert.equal(ask(drone("b", { has: 2, ready: 2 }), true), "b: 2");
  });
});

const places = fc.uniqueArray(
  fc.record(
    {
      identity: fc.stringMatching(/^[a-z]{1,3}$/),
      labels: fc.constantFrom({}, { role: "web" }, { role: "db" }),
      isThere: fc.boolean(),
      draining: fc.boolean(),
      ownCommand: fc.boolean(),
      has: fc.nat(4),
      ready: fc.nat(4),
      load: fc.nat(9),
    },
    { noNullPrototype: true },
  ),
  { selector: ({ identity }) => identity, maxLength: 8 },
);
const questions: fc.Arbitrary<PlacementQuestion> = fc
  .record({
    places,
    count: fc.nat(12),
    per: fc.constantFrom("drone" as const, "total" as const),
    on: fc.constantFrom("", "role=web", "!role"),
    port: fc.constantFrom(undefined, 8080),
    isHeld: fc.boolean(),
    surge: fc.boolean(),
  })
  .map(({ places: some, count, per, on, port, isHeld, surge }) => {
    const drones = some.map((one) => ({ ...one, name: one.identity }));
    const held = new Map(isHeld && drones[0] ? [[drones[0].identity, 1]] : []);
    return { service: service(count, per, on, port), drones, held, surge };
  });

const sumOf = (placement: ReadonlyMap<string, number>) =>
  [...placement.values()].reduce((sum, one) => sum + one, 0);
const isOpen =
  ({ service: { on } }: PlacementQuestion) =>
  (one: Place) =>
    !one.draining && !one.ownCommand && matchesSelector(on, one.labels);

describe("every placement", () => {
  it("is the same whatever order the drones come in", () => {
    fc.assert(
      fc.property(questions, (question) => {
        const drones = [...question.drones].reverse();
        const [one, two] = [place(question), place({ ...question, drones })];
        assert.deepEqual(two, one);
      }),
    );
  });

  it("puts nothing on a drone that does not fit, nor anything new on one that drains or is away", () => {
    fc.assert(
      fc.property(questions, (question) => {
        const placement = place(question);
        for (const one of question.drones) {
          const count = placement.get(one.identity) ?? 0;
          const fits = matchesSelector(question.service.on, one.labels);
          if (one.ownCommand || !fits) assert.equal(count, 0);
          if (!one.isThere || one.draining) assert.ok(count <= one.has);
          if (one.draining && !question.surge) assert.equal(count, 0);
        }
      }),
    );
  });

  it("in total is exactly what was asked for as long as a drone is there for it", () => {
    fc.assert(
      fc.property(questions, (question) => {
        const { service: wanted, drones, held } = question;
        if (wanted.instances.per === "drone") return;
        const sum = sumOf(place({ ...question, surge: false }));
        const count = Math.max(0, wanted.instances.count - sumOf(held ?? new Map()));
        assert.ok(sum <= count);
        const hasRoom = wanted.ports.every(({ port }) => port === undefined);
        const there = drones.filter(isOpen(question)).filter(({ isThere }) => isThere);
        if (there.length > 0 && hasRoom) assert.equal(sum, count);
      }),
    );
  });

  it("is its own answer when it is asked for again", () => {
    fc.assert(
      fc.property(questions, (question) => {
        const once = place(question);
        const drones = question.drones.map((one) => ({
          ...one,
          has: once.get(one.identity) ?? 0,
          ready: Math.min(one.ready, once.get(one.identity) ?? 0),
        }));
        const again = place({ ...question, drones, surge: false });
        const settled = place({ ...question, surge: false });
        assert.deepEqual(again, settled);
      }),
    );
  });

  it("moves no instance from a drone that may keep it, unless there are too many", () => {
    fc.assert(
      fc.property(questions, (question) => {
        const { service: wanted, drones, held } = question;
        if (wanted.instances.per === "drone" || wanted.ports[0]?.port !== undefined) return;
        if ((held?.size ?? 0) > 0) return;
        const keeping = drones.filter(isOpen(question)).filter(({ isThere }) => isThere);
        const had = keeping.reduce((sum, { has }) => sum + has, 0);
        const placement = place(question);
        const lost = keeping.filter(({ identity, has }) => (placement.get(identity) ?? 0) < has);
        const gained = keeping.filter(({ identity, has }) => (placement.get(identity) ?? 0) > has);
        assert.ok(lost.length === 0 || gained.length === 0);
        if (had <= wanted.instances.count) assert.deepEqual(lost, []);
      }),
    );
  });

  it("of a new service differs between drones by one at most", () => {
    fc.assert(
      fc.property(questions, (question) => {
        if (question.service.instances.per === "drone" || (question.held?.size ?? 0) > 0) return;
        const drones = question.drones.map((one) => ({ ...one, has: 0 }));
        const placement = place({ ...question, drones });
        const counts = drones
          .filter(isOpen(question))
          .filter(({ isThere }) => isThere)
          .map(({ identity }) => placement.get(identity) ?? 0);
        if (counts.length > 0) assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
      }),
    );
  });
});

describe("why a service has no place", () => {
  const on = parseSelector("role=web, !old");
  const why = (...drones: Place[]) => whyNoPlace("service http", on, drones);

  it("is nothing when it has one", () => {
    assert.equal(why(drone("a"), drone("b", { labels: { role: "web" } })), undefined);
  });

  it("says what each drone lacks", () => {
    const web = { role: "web" };
    const drones = [
      drone("f"),
      drone("e", { labels: { role: "db", old: "" } }),
      drone("d", { labels: web, ...away }),
      drone("c", { labels: web, draining: true }),
      drone("b", { labels: web, ownCommand: true }),
    ];
    assert.equal(
      why(...drones),
      "service http wants `role=web, !old`, and no drone fits: b runs a command of its own; " +
        "c is draining; d is away; e has role=db, has old=; f has no role",
    );
  });

  it("names five of many, and says when there is none at all", () => {
    const drones = ["a", "b", "c", "d", "e", "f", "g"].map((name) => drone(name));
    assert.match(why(...drones) ?? "", /e has no role; and 2 more$/);
    assert.equal(why(), "service http has no place: no drone is there");
  });

  it("without a selector says why they do not take it", () => {
    assert.equal(
      whyNoPlace("the build", [], [drone("a", away)]),
      "the build has no place: no drone fits: a is away",
    );
  });
});
