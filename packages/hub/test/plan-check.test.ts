/** What the hub says of a plan before it is begun: all that would refuse it, and nothing is written. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FilesPart, Params, PlannedChange, PropagitError } from "@propagit/protocol";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
const path = "/srv/site";
const drain: PlannedChange = { kind: "drain", drone: "web-1" };
const deploy: PlannedChange = {
  kind: "deploy",
  repo,
  ref: commits.three,
  waves: { by: { kind: "percent", steps: [50, 100] } },
};
const files: PlannedChange = {
  kind: "files",
  target: { names: ["*"] },
  path,
  commit: commits.one,
  replace: false,
  force: false,
};

type Asked = Omit<Params<"hub.plan-check">, "file">;
interface Written {
  stages: { name: string; [key: string]: unknown }[];
  [key: string]: unknown;
}

/** Two drones that run one commit. */
async function begin(): Promise<SimHub> {
  const hub = await SimHub.start();
  await hub.drones("web-1", "web-2");
  await hub.deploy(commits.one, { promote: true });
  hub.files.pushed.add(commits.one);
  return hub;
}

async function made(hub: SimHub, change: PlannedChange): Promise<string> {
  const pieces: string[] = [];
  const onPart = (part: string | FilesPart) => {
    if (typeof part === "string") pieces.push(part);
  };
  const { text } = await hub.call("hub.plan-make", { change }, { onPart });
  return pieces.join("") + text;
}

async function edited(hub: SimHub, change: PlannedChange, edit: (plan: Written) => void) {
  const plan = JSON.parse(await made(hub, change)) as Written;
  edit(plan);
  return { plan: JSON.stringify(plan) };
}

function written(task: object, more: object = {}): Asked {
  const stages = [{ name: "s", tasks: [{ command: "execute", run: "true", ...task }] }];
  return { plan: JSON.stringify({ name: "p", stages, ...more }) };
}

const check = (hub: SimHub, asked: Asked) =>
  hub.call("hub.plan-check", { file: "p.json", ...asked });
const start = (hub: SimHub, asked: Asked) =>
  hub.call("hub.plan-start", { file: "p.json", by: "ann", ...asked });

interface Refusal {
  readonly code: string;
  readonly says: RegExp;
  /** Makes the plan, and what is in its way. */
  readonly scene: (hub: SimHub) => Promise<Asked> | Asked;
}

const refusals: Readonly<Record<string, Refusal>> = {
  "text that is no plan": {
    code: "BAD_PLAN",
    says: /p\.json:1:/,
    scene: () => ({ plan: "{ name: p" }),
  },
  "another plan than was looked at": {
    code: "CHANGED_MEANWHILE",
    says: /another plan/,
    scene: () => ({ ...written({ drone: "web-1" }), hash: "0".repeat(64) }),
  },
  "a drone that there is not": {
    code: "BAD_PLAN",
    says: /\(execute\): there is no drone web-3; did you mean `web-\d`\?$/,
    scene: () => written({ drone: "web-3" }),
  },
  "a host that the hub does not go to": {
    code: "BAD_PLAN",
    says: /by ssh/,
    scene: () => written({ host: "deploy@fe001" }),
  },
  "a repository that there is not": {
    code: "BAD_PLAN",
    says: /no repository "webap"; did you mean `webapp`\?/,
    scene: () => written({ command: "drain", repo: "webap", run: undefined, drone: "web-1" }),
  },
  "settings that there are not": {
    code: "BAD_PLAN",
    says: /has no setting TOKEN/,
    scene: () => written({ drone: "web-1" }, { secrets: { repo, names: ["TOKEN"] } }),
  },
  "code that is nowhere": {
    code: "NO_COMMIT",
    says: /./,
    scene: () =>
      written({ command: "greet", drone: "web-1" }, { code: { repo, commit: "7".repeat(40) } }),
  },
  "a request that is no change": {
    code: "BAD_PLAN",
    says: /its `request` is no change/,
    scene: (hub) => edited(hub, drain, (plan) => void (plan["request"] = { kind: "dance" })),
  },
  "settings whose values a plan does not have": {
    code: "BAD_PLAN",
    says: /names \(NONE\) and not their values/,
    scene: async (hub) => {
      const change = { kind: "configure", repo, set: [], unset: ["NONE"], deploy: true } as const;
      return { plan: await made(hub, { ...change, set: [], unset: ["NONE"] }) };
    },
  },
  "drones that have moved": {
    code: "PLAN_MOVED",
    says: /since: drones$/,
    scene: async (hub) => {
      const plan = await made(hub, drain);
      await hub.call("hub.drain", { drone: "web-2", drain: true });
      return { plan };
    },
  },
  "an environment that has moved": {
    code: "PLAN_MOVED",
    says: /since: .*environment webapp\/production/,
    scene: async (hub) => {
      const plan = await made(hub, deploy);
      await hub.deploy(commits.two);
      return { plan };
    },
  },
  "a release that may fail here and there": {
    code: "BAD_PLAN",
    says: /maxFailures/,
    scene: (hub) =>
      edited(hub, deploy, ({ stages }) => {
        for (const stage of stages) stage["maxFailures"] = 1;
      }),
  },
  "a commit that is gone": {
    code: "NO_COMMIT",
    says: /./,
    scene: (hub) =>
      edited(hub, deploy, ({ request }) => {
        (request as Record<string, unknown>)["ref"] = "8".repeat(40);
      }),
  },
  "a release that a drone has no room for": {
    code: "DISK_LOW",
    says: /^drone full has no room/,
    scene: async (hub) => {
      const full = hub.drone("full", { fits: false });
      await hub.sim.clock.until("it joins", () => full.assigned !== undefined);
      return { plan: await made(hub, deploy) };
    },
  },
  "files that are not here any more": {
    code: "NO_COMMIT",
    says: /were not pushed/,
    scene: async (hub) => {
      const plan = await made(hub, files);
      hub.files.pushed.delete(commits.one);
      return { plan };
    },
  },
  "a part for a drone that is no relay": {
    code: "BAD_PLAN",
    says: /web-1 can take no part of a plan over/,
    scene: () => {
      const { plan } = written({ drone: "web-2" });
      return written({
        command: "delegate",
        run: undefined,
        drone: "web-1",
        plan: JSON.parse(plan),
      });
    },
  },
};

describe("hub.plan-check", () => {
  for (const [what, { code, says, scene }] of Object.entries(refusals)) {
    it(`refuses ${what}, as a plan that is begun`, async () => {
      const hub = await begin();
      const asked = await scene(hub);
      const refusalOf = async (answer: Promise<unknown>) =>
        answer.then(
          () => assert.fail("it was taken"),
          ({ code: found, message, hint }: PropagitError) => ({ code: found, message, hint }),
        );
      const [checked, begun] = [
        await refusalOf(check(hub, asked)),
        await refusalOf(start(hub, asked)),
      ];
      assert.deepEqual(checked, begun);
      assert.equal(checked.code, code, checked.message);
      assert.match(checked.message, says);
    });
  }

  it("says what a plan would do, and writes nothing", async () => {
    const hub = await begin();
    const plain = written({ drone: "web-1" });
    const changes = [deploy, drain, files, { kind: "rollback", repo, release: 1 }] as const;
    const texts = [];
    for (const change of changes) texts.push(await made(hub, change));
    const moved = texts[1] ?? "";
    const kept = () => [[...hub.files.kept], hub.files.asked, [...hub.repositories.kept]];
    const before = kept();
    // The next write would end it.
    hub.killAtWrite(1, "before");
    for (const plan of [plain.plan, ...texts]) await check(hub, { plan });
    await assert.rejects(check(hub, { plan: moved.replace(/"drones":\d+/, '"drones":1') }), {
      code: "PLAN_MOVED",
    });
    assert.ok(hub.isAlive, "a check wrote");
    assert.deepEqual(kept(), before);
  });

  it("tells of a change what its planner tells, and the hash of the plan that would be begun", async () => {
    const hub = await begin();
    const { text, told, hash } = await hub.call("hub.plan-make", { change: deploy });
    const checked = await check(hub, { plan: text });
    assert.deepEqual(checked, { hash, told });
    assert.ok(told.durations.length > 0, "a release before says how long it takes");
    const { id, hash: begun } = await start(hub, { plan: text });
    assert.equal(begun, hash);
    assert.equal((await hub.call("hub.plan-follow", { id, from: 0 })).outcome, "done");
  });

  it("takes a plan whose change could not be planned any more, and says why", async () => {
    const hub = await begin();
    const odd = await edited(hub, drain, (plan) => {
      plan["request"] = { ...drain, drone: "web-9" };
    });
    const { told } = await check(hub, odd);
    assert.match(told.warnings.join(""), /web-9/);
    await start(hub, odd);
  });
});
