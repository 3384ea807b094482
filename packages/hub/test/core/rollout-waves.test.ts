/** Services that come after others, in waves: each waits for what it comes after, and for nothing that comes only later. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSelector, type InstanceReport, type Service } from "@propagit/protocol";
import fc from "fast-check";
import { placeAll, wantedOf, type AssignedDrone, type Counts } from "../../src/core/assignments.js";
import { isReady, type SeenDrone } from "../../src/core/readiness.js";
import type { ReleaseCommand } from "../../src/core/release-progress.js";
import type { RolloutStep } from "../../src/core/rollout-step.js";
import type { RolloutView } from "../../src/core/rollout-view.js";
import { stepRollout } from "../../src/core/rollout.js";
import type { DeploymentRow, RolloutRow } from "../../src/core/rows.js";
import { emptySpecification, service } from "../support/specifications.js";

const place = { repo: "shop", environment: "production" };
const [id, commit] = ["d".repeat(16), "1".repeat(40)];

interface Scene {
  readonly services: readonly Service[];
  /** Zone and wave of each drone. */
  readonly drones: readonly { readonly zone: string; readonly wave: number }[];
}

const someServices: fc.Arbitrary<readonly Service[]> = fc
  .array(
    fc.record({
      after: fc.array(fc.nat(4), { maxLength: 2 }),
      on: fc.constantFrom("", "", "zone=a", "zone=b", "zone in (a,c)"),
      instances: fc.constantFrom(
        { count: 1, per: "drone" as const },
        { count: 2, per: "drone" as const },
        { count: 2, per: "total" as const },
      ),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((all) =>
    all.map(({ after, on, instances }, at) =>
      service(`s${at}`, {
        // Only of those before it, so that nobody waits for himself.
        after: [...new Set(after)].filter((one) => one < at).map((one) => `s${one}`),
        on: on === "" ? [] : [...parseSelector(on)],
        instances,
      }),
    ),
  );

const scenes: fc.Arbitrary<Scene> = fc.record({
  services: someServices,
  drones: fc.array(
    fc.record({ zone: fc.constantFrom("a", "b", "c"), wave: fc.integer({ min: 1, max: 3 }) }),
    { minLength: 1, maxLength: 6 },
  ),
});

/** One release, with drones that get things ready in the order that they are told to. */
class Story {
  readonly #scene: Scene;
  readonly #ready = new Set<string>();
  #counts: Counts = new Map();
  /** Drones of the wave under way, and services that ran on those before. */
  #coming: { readonly drones: readonly string[]; readonly services: readonly string[] } = {
    drones: [],
    services: [],
  };
  deployment: DeploymentRow;
  row: RolloutRow = {
    ...place,
    number: 1,
    deployment: id,
    acceptedAt: 0,
    phase: "queued",
    phaseAt: 0,
    drones: [],
  };

  constructor(scene: Scene) {
    this.#scene = scene;
    this.deployment = {
      ...place,
      id,
      commit,
      release: 1,
      specification: { ...emptySpecification, services: [...scene.services] },
      settings: {},
      since: 0,
      started: false,
      services: [],
    };
  }

  /** Whether the machine has answered. */
  ask(command: ReleaseCommand, drones?: readonly string[]): boolean {
    if (drones) this.#coming = { drones, services: this.deployment.services };
    const event = { kind: "asked", command, ...(drones && { drones }) } as const;
    const answer = this.#take(stepRollout(this.row, event, this.view(command)), command);
    return answer !== undefined;
  }

  /** Looks until nothing follows from what is seen. */
  look(command: ReleaseCommand): boolean {
    for (;;) {
      const step = stepRollout(this.row, { kind: "looked" }, this.view(command));
      if (this.#take(step, command) !== undefined) return true;
      if (step.durable.length === 0) return false;
    }
  }

  /** `drone service` of what is told to run and is not ready. */
  get pending(): readonly string[] {
    return this.#wanted().filter((one) => !this.#ready.has(one));
  }

  makeReady(one: string): void {
    this.#ready.add(one);
  }

  get seen(): readonly SeenDrone[] {
    return this.#drones().map(({ identity, labels }) => ({
      identity,
      drone: identity,
      contact: "connected",
      labels,
      draining: false,
      ownCommand: false,
      wanted: wantedOf(this.#counts, id, identity),
      reports: this.#reportsOf(identity),
    }));
  }

  view(asked: ReleaseCommand): RolloutView {
    const { specification } = this.deployment;
    return {
      now: 1_000,
      asked,
      release: { kind: "deploy", specification, commit },
      deployment: this.deployment,
      drones: this.seen,
      builtOn: undefined,
      hubSince: 0,
      whyNot: undefined,
      isHeld: () => false,
      asksProxies: false,
      freshId: () => "id",
    };
  }

  #take({ row, durable, answer }: RolloutStep, command: ReleaseCommand) {
    this.row = row;
    for (const effect of durable) {
      if (effect.kind !== "start") continue;
      const { only, wave, services } = effect;
      const { only: _, wave: __, ...rest } = this.deployment;
      this.deployment = {
        ...rest,
        started: true,
        services: [...services],
        ...(only && { only: [...only] }),
        ...(wave && { wave }),
      };
      this.#place();
    }
    assert.notEqual(answer?.outcome, "failed", `${command}: ${answer?.reason ?? ""}`);
    return answer;
  }

  /** What comes newly to a drone must have what it comes after ready, there and wherever that runs. */
  #place(): void {
    const before = new Set(this.#wanted());
    const seen = this.seen;
    const deployments = new Map([[id, this.deployment]]);
    const drones = this.#drones();
    const question = { deployments, holds: new Map(), spawned: new Map(), drones };
    this.#counts = placeAll({ ...question, before: this.#counts });
    const now = new Set(this.#wanted());
    for (const one of before) assert.ok(now.has(one), `${one} is taken away again`);
    for (const one of now) {
      if (before.has(one)) continue;
      const [drone = "", name = ""] = one.split(" ");
      // What is counted in total may find its place on a drone whose wave is through: it may run there by then.
      const { drones: coming, services } = this.#coming;
      const isFurther = services.includes(name) && !coming.includes(drone);
      for (const other of this.#afterOf(name)) {
        assert.ok(isFurther || isReady(other, seen), `${one} comes before ${other.name} is ready`);
        if (isFurther && other.instances.per === "total") continue;
        const isHere = now.has(`${drone} ${other.name}`);
        assert.ok(!isHere || this.#ready.has(`${drone} ${other.name}`), `${one} is too early`);
      }
    }
  }

  #afterOf(name: string): readonly Service[] {
    const { services } = this.#scene;
    const after = services.find((one) => one.name === name)?.after ?? [];
    return services.filter((one) => after.includes(one.name));
  }

  #wanted(): readonly string[] {
    return this.#drones().flatMap(({ identity }) =>
      [...wantedOf(this.#counts, id, identity)]
        .filter(([, count]) => count > 0)
        .map(([name]) => `${identity} ${name}`),
    );
  }

  #reportsOf(identity: string): readonly InstanceReport[] {
    return [...wantedOf(this.#counts, id, identity)].flatMap(([name, count]) =>
      Array.from({ length: count }, (_, slot) => ({
        process: `${identity}-${name}-${slot}`,
        repo: place.repo,
        commit,
        service: name,
        deployment: id,
        phase: this.#ready.has(`${identity} ${name}`) ? ("ready" as const) : ("starting" as const),
        services: [],
        restarts: 0,
        since: 1,
      })),
    );
  }

  #drones(): readonly AssignedDrone[] {
    return this.#scene.drones.map(({ zone }, at) => ({
      identity: `d${at}`,
      name: `d${at}`,
      labels: { zone },
      contact: "connected",
      draining: false,
      ownCommand: false,
      ready: new Map(),
    }));
  }
}

/** Names of the drones of each wave, those that have none left out. */
function wavesOf({ drones }: Scene): readonly (readonly string[])[] {
  return [1, 2, 3]
    .map((wave) => drones.flatMap((drone, at) => (drone.wave === wave ? [`d${at}`] : [])))
    .filter((names) => names.length > 0);
}

function hasPlaces({ services, drones }: Scene): boolean {
  const story = new Story({ services: services.map((one) => ({ ...one, after: [] })), drones });
  story.ask("open-release");
  story.ask("start");
  return services.every(({ name }) => story.pending.some((one) => one.endsWith(` ${name}`)));
}

test("property: in any waves a service starts after what it comes after, and no wave waits for a later one", () => {
  fc.assert(
    fc.property(scenes, fc.infiniteStream(fc.nat(1_000)), (scene, dice) => {
      fc.pre(hasPlaces(scene));
      const story = new Story(scene);
      const until = (command: ReleaseCommand) => {
        if (story.ask(command)) return;
        while (!story.look(command)) {
          const { pending } = story;
          const next = pending[Number(dice.next().value) % pending.length];
          assert.ok(next !== undefined, `${command} waits for what nobody was told to run`);
          story.makeReady(next);
        }
      };
      story.ask("open-release");
      for (const names of wavesOf(scene)) {
        assert.ok(story.ask("start", names));
        until("wait-healthy");
        assert.deepEqual(story.pending, []);
        assert.equal(story.deployment.wave, undefined, "of a wave that is through nothing is left");
      }
      until("close-release");
      const { services } = story.deployment;
      assert.deepEqual([...services].sort(), scene.services.map(({ name }) => name).sort());
      const missing = scene.services.filter((one) => !isReady(one, story.seen));
      assert.deepEqual(missing, [], "all of it is there in the end");
    }),
    { numRuns: 500 },
  );
});

test("a service whose last wave never brings what it comes after is not passed over", () => {
  const services = [
    service("web", { on: [...parseSelector("zone=b")] }),
    service("job", { after: ["web"] }),
  ];
  const story = new Story({ services, drones: [{ zone: "a", wave: 1 }] });
  story.ask("open-release");
  story.ask("start", ["d0"]);
  assert.ok(story.ask("wait-healthy"), "web may come with a later wave");
  assert.ok(!story.ask("close-release"), "there is none");
  const late = { ...story.view("close-release"), now: 1_000 + 60 * 60_000 };
  const { row } = stepRollout(story.row, { kind: "looked" }, late);
  assert.equal(row.failure?.reason, "service job never started: web must be ready before it");
});
