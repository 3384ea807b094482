import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  defineGenerator,
  generatePlan,
  hostGroups,
  hostsWithout,
  inOrder,
  packageNamed,
  readConfiguration,
  toolBox,
  type Asked,
  type GeneratedPlan,
  type PlannerWorld,
} from "@propagit/plan";
import { silentLog } from "@propagit/runtime";
import { object } from "@propagit/shapes";

const wish = { packages: [], hosts: [], redeploy: false, force: false };

/** Two hosts; whatever else than looking at links is asked of them throws, as there is nothing else. */
const world: PlannerWorld = {
  log: silentLog,
  look: (host) => ({
    linkTarget: (path) => Promise.resolve(host === "fe001" ? `${path}/../web-1.2.3` : undefined),
  }),
};

function generate(
  make: (asked: Asked<unknown>) => GeneratedPlan | Promise<GeneratedPlan>,
  seen: PlannerWorld = world,
) {
  const generator = defineGenerator({ name: "g", summary: "", config: object({}), generate: make });
  const configuration = readConfiguration({ files: [] }, new Map([["g", generator]]));
  return generatePlan(configuration, { ...wish, world: seen, commands: toolBox });
}

const say = (message: string) => ({ command: "message", message });

describe("a generator", () => {
  it("gives a plan that is checked like any", async () => {
    const plan = await generate(() => ({ name: "p", stages: [{ name: "s", tasks: [say("a")] }] }));
    assert.equal(plan.stages[0]?.lines[0]?.[0]?.id, "1.1.1");
    const wrong = generate(() => ({
      name: "p",
      stages: [{ name: "s", tasks: [{ command: "mesage" }] }],
    }));
    await assert.rejects(wrong, {
      code: "BAD_PLAN",
      message: /^generator g: .*did you mean `message`/,
    });
    await assert.rejects(
      generate(() => undefined as never),
      { code: "BAD_PLAN" },
    );
  });

  it("leaves out stages without tasks", async () => {
    const plan = await generate(() => ({
      name: "p",
      stages: [
        { name: "none", tasks: [] },
        { name: "s", tasks: [say("a")] },
      ],
    }));
    assert.deepEqual(
      plan.stages.map(({ name }) => name),
      ["s"],
    );
  });

  it("is told apart from its plan when it fails", async () => {
    const failing = generate(() => {
      throw new Error("no idea");
    });
    await assert.rejects(failing, { code: "BAD_CONFIG", message: "generator g failed: no idea" });
  });

  it("learns which versions are where, and leaves out hosts that have it", async () => {
    const plan = await generate(async (asked) => {
      const hosts = ["fe001", "fe002"];
      const versions = await asked.versions(
        hosts.map((host) => ({ service: "web", host, link: "/srv/current" })),
      );
      const wanted = { service: "web", version: "1.2.3" };
      const left = hostsWithout(hosts, wanted, { versions, redeploy: false });
      const all = hostsWithout(hosts, wanted, { versions, redeploy: true });
      return {
        name: "p",
        stages: [{ name: "s", tasks: [say(`${left.join()} of ${all.join()}`)] }],
      };
    });
    assert.equal(plan.stages[0]?.lines[0]?.[0]?.args["message"], "fe002 of fe001,fe002");
  });

  it("learns what runs on drones: the commit of what is ready there, of the newest release", async () => {
    const one = { drone: "web-1", repo: "shop", environment: "production", service: "web" };
    const ready = { ...one, phase: "ready", away: false };
    const instances = [
      { ...ready, commit: "old", release: 1 },
      { ...ready, commit: "new", release: 2 },
      { ...ready, commit: "failed", release: 3, phase: "failed" },
      { ...ready, drone: "web-2", commit: "old", release: 1 },
      { ...ready, repo: "other", commit: "another", release: 9 },
    ];
    let asked: readonly unknown[] = [];
    const plan = await generate(
      async ({ versions, running }) => {
        const drones = ["web-1", "web-2", "web-3"];
        const places = drones.map((drone) => ({ service: "web", drone, repo: "shop" }));
        const found = await versions(places);
        asked = [await running(), await running("other")];
        const left = hostsWithout(
          drones,
          { service: "web", version: "new" },
          { versions: found, redeploy: false },
        );
        const there = drones.map((drone) => found.of("web", drone) ?? "none");
        return {
          name: "p",
          stages: [{ name: "s", tasks: [say(`${left.join()}: ${there.join()}`)] }],
        };
      },
      { ...world, running: () => Promise.resolve(instances) },
    );
    const said = plan.stages[0]?.lines[0]?.[0]?.args["message"];
    assert.equal(said, "web-2,web-3: new,old,none");
    assert.deepEqual(asked, [instances, instances.slice(4)]);
  });

  it("is refused what it asks wrongly, and what nobody can tell it", async () => {
    const asking = (place: object) =>
      generate(async ({ versions }) => {
        await versions([place as never]);
        return { name: "p", stages: [] };
      });
    const wrong: readonly (readonly [object, RegExp])[] = [
      [
        { service: "web", hots: "fe001", link: "/x" },
        /`hots` is nothing .*`link`.*did you mean `host`/,
      ],
      [
        { service: "web", drone: "web-1", link: "/x" },
        /`link` is nothing that it may say beside `drone`/,
      ],
      [{ service: "web", host: "fe001" }, /`link` is missing/],
      [{ drone: "web-1" }, /`service` is missing/],
      [{ service: "web", link: 7 }, /`link` is no text/],
    ];
    for (const [place, message] of wrong) {
      await assert.rejects(asking(place), { code: "BAD_CONFIG", message });
    }
    const nobody = asking({ service: "web", drone: "web-1" });
    await assert.rejects(nobody, { code: "BAD_CONFIG", message: /there is no hub to ask/ });
  });
});

describe("stages in order", () => {
  it("come before, main, after; each task once; none without a task", () => {
    const stages = inOrder({
      after: [{ name: "z", tasks: [] }],
      main: [
        {
          name: "m",
          tasks: [{ command: "a", x: 1 }, { x: 1, command: "a" }, [], [{ command: "a", x: 1 }]],
        },
      ],
      before: [{ name: "b", tasks: [{ command: "a", x: 1 }] }],
    });
    assert.deepEqual(
      stages.map(({ name, tasks }) => [name, tasks.length]),
      [
        ["b", 1],
        ["m", 2],
      ],
    );
  });
});

describe("groups of hosts", () => {
  it("leave as many up as must be", () => {
    assert.deepEqual(hostGroups(["a", "b", "c"], 1), [["a", "b"], ["c"]]);
    assert.throws(() => hostGroups(["a", "b"], 2), {
      code: "BAD_CONFIG",
      message: /none may be replaced/,
    });
    assert.deepEqual(hostGroups(["a", "b"], 2, { force: true }), [["a"], ["b"]]);
  });
});

describe("the name of a package", () => {
  const names = [
    ["web1-frontend-1.2.3.tar.gz", [], "web1-frontend 1.2.3"],
    ["node-8-worker-1.0.zip", [], "node 8-worker-1.0"],
    ["node-8-worker-1.0.zip", ["node", "node-8-worker"], "node-8-worker 1.0"],
    ["web-main.tgz", ["web"], "web main"],
    ["web-main.tgz", [], undefined],
    ["web.tgz", ["web"], undefined],
    ["-1.tgz", [], undefined],
    ["../a-1.tgz", [], undefined],
  ] as const;
  for (const [file, services, wanted] of names) {
    it(`${file}${services.length > 0 ? `, of ${services.join(" or ")}` : ""}`, () => {
      const named = packageNamed(file, services);
      assert.equal(named && `${named.service} ${named.version}`, wanted);
    });
  }
});
