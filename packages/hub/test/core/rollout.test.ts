import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstancePhase, InstanceReport, Service, Specification } from "@propagit/protocol";
import type { SeenDrone } from "../../src/core/readiness.js";
import type { RolloutView } from "../../src/core/rollout-view.js";
import { verdicts } from "../../src/core/rollout-start.js";
import { absentText, waitText } from "../../src/core/rollout-waits.js";
import type { ReleaseCommand } from "../../src/core/release-progress.js";
import type { RolloutEvent, TaskResult } from "../../src/core/rollout-step.js";
import { deadlineOf, stepRollout } from "../../src/core/rollout.js";
import type { DeploymentRow, RolloutRow } from "../../src/core/rows.js";

const commit = "1".repeat(40);
const deployment = "d".repeat(16);
const place = { repo: "shop", environment: "production" };

function service(name: string, after: string[] = []): Service {
  return {
    name,
    command: ["node", `${name}.js`],
    instances: { count: 1, per: "drone" },
    on: [],
    ports: [{ name: "http" }],
    ready: "listen",
    readyTimeoutMs: 0,
    stop: { signal: "SIGTERM", deadlineMs: 1_000 },
    restart: { policy: "always", firstMs: 1, maxMs: 1, crashesMax: 3 },
    env: {},
    after,
  };
}

const task = { command: ["make"], on: [], env: {}, timeoutMs: 60_000 };
const build = { ...task, include: [], exclude: [], cache: [] };
const plain: Specification = { services: [service("web")], routes: [], promote: "always" };
const full: Specification = { ...plain, build, test: task, release: task };

const queued: RolloutRow = {
  ...place,
  number: 1,
  deployment,
  acceptedAt: 0,
  phase: "queued",
  phaseAt: 0,
  drones: [],
};

function drone(name: string, phase?: InstancePhase, more: Partial<SeenDrone> = {}): SeenDrone {
  const report: InstanceReport = {
    process: `p-${name}`,
    repo: "shop",
    commit,
    service: "web",
    deployment,
    phase: phase ?? "waiting",
    services: [],
    restarts: 0,
    since: 1,
    ...(phase === "failed" && { reason: "exit code 1" }),
  };
  return {
    identity: name,
    drone: name,
    contact: "connected",
    labels: {},
    draining: false,
    ownCommand: false,
    wanted: new Map([["web", 1]]),
    reports: phase === undefined ? [] : [report],
    ...more,
  };
}

function running(services: readonly string[]): DeploymentRow {
  return {
    ...place,
    id: deployment,
    commit,
    artifact: commit,
    release: 1,
    specification: plain,
    settings: {},
    since: 0,
    started: true,
    services: [...services],
  };
}

function view(more: Partial<RolloutView> = {}): RolloutView {
  let ids = 0;
  return {
    now: 1_000_000,
    asked: undefined,
    release: { kind: "deploy", specification: plain, commit },
    deployment: undefined,
    drones: [drone("a")],
    builtOn: undefined,
    hubSince: 0,
    whyNot: undefined,
    isHeld: () => false,
    asksProxies: false,
    freshId: () => `id-${++ids}`,
    ...more,
  };
}

/** What a step did, in words. */
function step(row: RolloutRow, event: RolloutEvent, seen: RolloutView) {
  const { row: next, durable, outward, answer } = stepRollout(row, event, seen);
  const ends = durable.flatMap((effect) => (effect.kind === "end" ? [effect.end] : []));
  const effects = [...durable, ...outward].map(({ kind }) => kind);
  const answered = answer && `${answer.command} ${answer.outcome}`;
  return { row: next, phase: next.phase, effects, end: ends[0], answer, answered };
}

/** As the engine asks for the next task of its plan. */
function ask(row: RolloutRow, command: ReleaseCommand, seen: RolloutView) {
  return step(row, { kind: "asked", command }, { ...seen, asked: command });
}

const tasked = view({ release: { kind: "deploy", specification: full, commit } });
const building = ask(ask(queued, "open-release", tasked).row, "build", tasked).row;
const done: TaskResult = { outcome: "done", lastLines: [], tookMs: 1 };
const starting = ask(ask(queued, "open-release", view()).row, "start", view()).row;
/** While its plan waits until it is healthy. */
const startedView = (drones: readonly SeenDrone[], now = 1_000_000) =>
  view({ drones, deployment: running(["web"]), now, asked: "wait-healthy" });

function ended(row: RolloutRow, result: TaskResult, seen = tasked) {
  return step(row, { kind: "task-ended", id: row.task?.id ?? "", result }, seen);
}

test("queued: opened, it is prepared, and waits for the next task of its plan", () => {
  const opened = ask(queued, "open-release", tasked);
  assert.deepEqual(
    [opened.phase, opened.effects, opened.answered],
    ["queued", ["prepare"], "open-release done"],
  );
  const again = ask(opened.row, "open-release", tasked);
  assert.deepEqual([again.effects, again.answered], [[], "open-release unchanged"]);
  assert.deepEqual(step(opened.row, { kind: "looked" }, tasked).effects, []);
});

test("queued: what cannot run at all ends it, a cancel does, and nothing comes before its turn", () => {
  const { end, effects, answer } = ask(queued, "open-release", view({ whyNot: "no drone fits" }));
  assert.deepEqual([end?.state, end?.reason, effects], ["failed", "no drone fits", ["end"]]);
  assert.deepEqual([answer?.outcome, answer?.reason], ["failed", "no drone fits"]);
  const cancelled = step(queued, { kind: "cancelled", by: "ann" }, view());
  assert.deepEqual([cancelled.end?.state, cancelled.effects], ["cancelled", ["end", "break-off"]]);
  assert.equal(ask(queued, "start", view()).answered, "start failed");
});

test("build, test and release command are given to a drone and end with its end; the start is written", () => {
  assert.deepEqual([building.phase, building.task?.kind], ["building", "build"]);
  const built = ended(building, { ...done, artifact: "b".repeat(40) });
  assert.deepEqual([built.effects, built.answered], [["built"], "build done"]);
  const testing = ask(built.row, "test", tasked);
  assert.deepEqual([testing.phase, testing.effects], ["testing", ["run-task"]]);
  const tested = ended(testing.row, done);
  const releasing = ask(tested.row, "release-step", tasked);
  assert.deepEqual([releasing.phase, releasing.effects], ["releasing", ["run-task"]]);
  const released = ended(releasing.row, done);
  const begun = ask(released.row, "start", tasked);
  assert.deepEqual(
    [begun.phase, begun.effects, begun.row.task, begun.answered],
    ["starting", ["start"], undefined, "start done"],
  );
});

test("a task that is asked for again is joined while it runs, and is not done again once it is", () => {
  const joined = ask(building, "build", tasked);
  assert.deepEqual([joined.row, joined.effects], [building, ["run-task"]]);
  const built = ended(building, done).row;
  const again = ask(built, "build", tasked);
  assert.deepEqual([again.row, again.effects, again.answered], [built, [], "build unchanged"]);
  const started = ask(starting, "start", view());
  assert.deepEqual([started.effects, started.answered], [[], "start unchanged"]);
});

test("what was built, and so tested, before this release is not done once more", () => {
  const former = running(["web"]);
  const seen = { ...tasked, deployment: former };
  const opened = ask(queued, "open-release", seen).row;
  assert.deepEqual(opened.former, former);
  assert.deepEqual(
    ["build", "test", "release-step"].map((command) => {
      return ask(opened, command as ReleaseCommand, seen).answered;
    }),
    ["build unchanged", "test unchanged", undefined],
  );
});

test("a task that fails fails its plan, which undoes the release with its reason; a result that comes twice changes nothing", () => {
  const failed: TaskResult = { ...done, outcome: "failed", reason: "exited with code 2" };
  const given = step(
    building,
    { kind: "task-ended", id: building.task?.id ?? "", result: failed },
    { ...tasked, asked: "build" },
  );
  assert.deepEqual([given.phase, given.effects], ["building", ["cancel-task"]]);
  assert.deepEqual(
    [given.answered, given.answer?.reason],
    ["build failed", "the build failed on a: exited with code 2"],
  );
  const next = ask(given.row, "test", tasked);
  assert.deepEqual([next.answered, next.effects], ["test failed", []]);
  const undoing = ask(given.row, "undo-release", tasked);
  assert.deepEqual([undoing.phase, undoing.effects], ["undoing", ["undo"]]);
  assert.equal(undoing.row.failure?.reason, "the build failed on a: exited with code 2");
  const again = step(undoing.row, { kind: "task-ended", id: "id-1", result: failed }, tasked);
  assert.deepEqual([again.row, again.effects], [undoing.row, []]);
});

test("what its plan undoes without a failure of its own is ended with the reason of the plan", () => {
  const event: RolloutEvent = {
    kind: "asked",
    command: "undo-release",
    why: { state: "cancelled", reason: "ann stopped its plan", drones: [] },
  };
  const undoing = step(building, event, { ...tasked, asked: "undo-release" });
  assert.deepEqual([undoing.phase, undoing.effects], ["undoing", ["undo", "cancel-task"]]);
  const { end, answered } = step(
    undoing.row,
    { kind: "looked" },
    { ...tasked, asked: "undo-release" },
  );
  assert.deepEqual([end?.state, end?.reason], ["cancelled", "ann stopped its plan"]);
  assert.equal(answered, "undo-release done");
  const waiting = step(queued, event, { ...tasked, asked: "undo-release" });
  assert.deepEqual([waiting.effects, waiting.answered], [["end"], "undo-release done"]);
});

test("a build that was interrupted, or whose drone is away, begins anew three times at most", () => {
  const interrupted: TaskResult = { ...done, outcome: "interrupted" };
  const second = ended(building, interrupted);
  assert.deepEqual([second.phase, second.row.task?.attempt], ["building", 2]);
  const drones = [drone("a", undefined, { contact: "away" }), drone("b")];
  const third = step(second.row, { kind: "looked" }, { ...tasked, drones });
  assert.deepEqual([third.row.task?.attempt, third.row.task?.identity], [3, "b"]);
  const { failure } = ended(third.row, interrupted, { ...tasked, drones }).row;
  assert.match(failure?.reason ?? "", /^the build was begun 3 times/);
});

test("a release command is waited for while its drone is away, and given up after its time", () => {
  const releasing = ask(ended(building, done).row, "release-step", tasked).row;
  const away = { ...tasked, drones: [drone("a", undefined, { contact: "away" }), drone("b")] };
  assert.deepEqual(step(releasing, { kind: "looked" }, away).effects, []);
  const late = { ...away, now: tasked.now + 60_000 + 10 * 60_000 };
  const given = step(releasing, { kind: "looked" }, late);
  assert.match(given.row.failure?.reason ?? "", /whether it ran to its end is not known/);
});

test("a task without a drone that fits waits for one, for five minutes", () => {
  const none = { ...tasked, drones: [] };
  const opened = ask(queued, "open-release", none).row;
  const waiting = ask(opened, "build", none).row;
  assert.equal(waiting.task?.identity, undefined);
  assert.equal(step(waiting, { kind: "looked" }, tasked).row.task?.identity, "a");
  const late = step(waiting, { kind: "looked" }, { ...none, now: none.now + 5 * 60_000 });
  assert.match(late.row.failure?.reason ?? "", /^the build had no drone for 5 min/);
});

test("starting: it is healthy when all that are there are ready, whoever is away; then it ends", () => {
  const begun = { ...starting, drones: memory(["a", "b"]) };
  const half = startedView([drone("a", "ready"), drone("b", "starting")]);
  assert.deepEqual(step(begun, { kind: "looked" }, half).effects, []);
  const all = startedView([drone("a", "ready"), drone("b", "starting", { contact: "away" })]);
  const healthy = step(begun, { kind: "looked" }, all);
  assert.deepEqual([healthy.effects, healthy.answered], [[], "wait-healthy done"]);
  const { end, answered } = ask(begun, "close-release", all);
  assert.deepEqual([end?.state, answered], ["ready", "close-release done"]);
  assert.deepEqual(
    end?.drones.map(({ drone: name, outcome }) => `${name} ${outcome}`),
    ["a ready", "b away"],
  );
});

test("starting: nothing is judged between two tasks, or while its plan is paused; services go on", () => {
  const seen = { ...startedView([drone("a", "failed")], 9_000_000), asked: undefined };
  const looked = step(starting, { kind: "looked" }, seen);
  assert.deepEqual([looked.row, looked.effects], [starting, []]);
  assert.equal(deadlineOf(starting, seen), undefined);
  const fewer = { ...seen, deployment: running([]) };
  assert.deepEqual(step(starting, { kind: "looked" }, fewer).effects, ["start"]);
});

const asking = (drones: readonly SeenDrone[], now = 1_000_000): RolloutView => ({
  ...startedView(drones, now),
  asked: "shift-traffic",
  asksProxies: true,
});

test("promoting: when it is ready, proxies are asked, and again after a restart of the hub; then it ends", () => {
  const view = asking([drone("a", "ready")]);
  const asked = step(starting, { kind: "looked" }, view);
  assert.deepEqual([asked.phase, asked.effects], ["promoting", ["ask-proxies"]]);
  assert.equal(deadlineOf(asked.row, view), undefined, "asking has bounds of its own");
  assert.deepEqual(step(asked.row, { kind: "looked" }, view).effects, ["ask-proxies"]);
  const { end, effects } = step(asked.row, { kind: "seen" }, view);
  assert.deepEqual([end?.state, effects], ["ready", ["end"]]);
  assert.deepEqual(step(starting, { kind: "seen" }, view).effects, [], "nobody asked");
  const plain = { ...view, asksProxies: false };
  assert.equal(ask(starting, "shift-traffic", plain).end?.state, "ready", "there are none");
});

test("promoting: what no proxy sees fails and is undone, and so does what is cancelled meanwhile", () => {
  const view = asking([drone("a", "ready")]);
  const { row } = step(starting, { kind: "looked" }, view);
  const unseen = step(row, { kind: "unseen", reason: "proxy p knows no endpoint of web" }, view);
  assert.deepEqual([unseen.effects, unseen.answered], [[], "shift-traffic failed"]);
  assert.deepEqual(step(unseen.row, { kind: "seen" }, view).effects, [], "too late");
  const reason = "no proxy sees it: proxy p knows no endpoint of web";
  assert.equal(unseen.row.failure?.reason, reason);
  const cancelled = step(row, { kind: "cancelled", by: "ann" }, view);
  assert.deepEqual(cancelled.row.failure?.drones, [{ drone: "a", outcome: "ready" }]);
});

test("promoting: what is no longer ready when it is seen starts again", () => {
  const { row } = step(starting, { kind: "looked" }, asking([drone("a", "ready")]));
  const crashed = asking([drone("a", "restarting")], 1_005_000);
  const again = step(row, { kind: "seen" }, crashed);
  assert.deepEqual([again.phase, again.row.phaseAt, again.effects], ["starting", 1_005_000, []]);
  const back = asking([drone("a", "ready")], 1_006_000);
  assert.equal(step(again.row, { kind: "looked" }, back).phase, "promoting");
});

test("starting: who ended before it began is nobody's business, who ended on the way is named", () => {
  const begun = { ...starting, drones: memory(["a", "c"]) };
  const gone = ["b", "c"].map((name) => drone(name, undefined, { contact: "left" }));
  const { end } = ask(begun, "close-release", startedView([drone("a", "ready"), ...gone]));
  assert.deepEqual(
    end?.drones.map(({ drone: name, outcome }) => `${name} ${outcome}`),
    ["a ready", "c away"],
  );
});

test("starting: a failure fails it when nobody is pending any more; an old failure is none", () => {
  const failed = startedView([drone("a", "failed")]);
  const given = step(starting, { kind: "looked" }, failed);
  assert.equal(given.row.failure?.reason, "it failed on a: exit code 1");
  assert.equal(given.answered, "wait-healthy failed");
  assert.deepEqual(step(given.row, { kind: "looked" }, failed).effects, [], "that is for its plan");
  const stale = { ...starting, drones: memory(["a"], ["p-a 1 0"]) };
  assert.deepEqual(step(stale, { kind: "looked" }, failed).effects, []);
});

test("starting: too late is a failure, but not right after a restart of the hub", () => {
  const late = startedView([drone("a", "starting")], 1_000_000 + 10 * 60_000);
  const reason = step(starting, { kind: "looked" }, late).row.failure?.reason;
  assert.equal(reason, "it failed on a: it was not ready within 10 min: starting");
  const fresh = { ...late, hubSince: late.now - 1_000 };
  assert.deepEqual(step(starting, { kind: "looked" }, fresh).effects, []);
});

test("starting: a failure that lasts for ten seconds is not waited out with the others; one that heals is", () => {
  const begun = { ...starting, drones: memory(["a", "b"]) };
  const look = (row: RolloutRow, phase: InstancePhase, now: number) =>
    step(row, { kind: "looked" }, startedView([drone("a", phase), drone("b", "restarting")], now));
  const noted = look(begun, "failed", 1_000_000);
  assert.deepEqual([noted.phase, noted.row.failingSince], ["starting", 1_000_000]);
  assert.equal(deadlineOf(noted.row, startedView([])), 1_010_000, "it looks again by itself");
  const healed = look(noted.row, "ready", 1_009_999);
  assert.deepEqual([healed.phase, healed.row], ["starting", begun]);
  const anew = look(healed.row, "failed", 1_012_000);
  assert.equal(look(anew.row, "failed", 1_021_999).phase, "starting");
  const given = look(anew.row, "failed", 1_022_000).row;
  assert.equal(given.failure?.reason, "it failed on a: exit code 1");
  assert.deepEqual(given.failure.drones, [
    { drone: "a", outcome: "failed", reason: "exit code 1" },
    { drone: "b", outcome: "stopped", reason: "it was not ready yet" },
  ]);
});

test("starting: a failure that was seen before a restart of the hub has a minute to heal", () => {
  const row = { ...starting, drones: memory(["a", "b"]), failingSince: 1_000_000 };
  const drones = [drone("a", "failed"), drone("b", "starting")];
  const seen = { ...startedView(drones, 1_050_000), hubSince: 1_040_000 };
  assert.equal(step(row, { kind: "looked" }, seen).phase, "starting");
  assert.equal(deadlineOf(row, seen), 1_100_000);
  const later = step(row, { kind: "looked" }, { ...seen, now: 1_100_000 });
  assert.equal(later.answered, "wait-healthy failed");
});

test("starting: a hold that takes the last place of a service fails it, one that leaves a place does not", () => {
  const held: RolloutEvent = { kind: "held", services: ["web"], by: "ann" };
  const away = drone("b", "ready", { contact: "away" });
  const none = startedView([drone("a", "starting", { wanted: new Map() }), away]);
  const broken = step(starting, held, none);
  assert.deepEqual([broken.effects, broken.answered], [["break-off"], undefined]);
  assert.equal(broken.row.failure?.reason, "ann stopped web meanwhile");
  const former = running(["web"]);
  assert.deepEqual(step({ ...starting, former }, held, none).row.former, former, "it stays");
  const left = startedView([drone("a", "starting", { wanted: new Map() }), drone("b", "starting")]);
  assert.deepEqual(step(starting, held, left).row, starting);
  assert.equal(step(starting, { ...held, services: ["db"] }, none).phase, "starting");
  assert.equal(step(queued, held, none).phase, "queued");
});

test("starting: a service without a place is named with its reason, not while it is only just placed", () => {
  const wanted = new Map<string, number>();
  const draining = drone("a", undefined, { wanted, draining: true });
  const open = drone("b", undefined, { wanted });
  const own = drone("c", undefined, { wanted: new Map([["", 1]]), ownCommand: true });
  const text = (drones: readonly SeenDrone[], isHeld = false) =>
    waitText({ ...startedView(drones), isHeld: () => isHeld });
  assert.equal(text([drone("a")]), undefined);
  assert.equal(text([draining, own]), undefined, "its own command stands for every service");
  assert.equal(text([draining]), "service web waits: every drone that it may run on drains: a");
  assert.equal(text([draining, open]), undefined);
  assert.equal(text([draining, open], true), "service web waits: it was stopped by hand on b");
  assert.equal(
    text([{ ...open, contact: "away" }]),
    "service web waits: no drone that it may run on is there",
  );
});

test("starting: drones that are not connected for the moment are named, a few of many", () => {
  const drones = ["a", "b", "c", "d", "e"].map((identity) => {
    return { identity, wasThere: true, ranBefore: false, staleFailures: [] };
  });
  const row = { ...starting, drones };
  const text = (...seen: readonly SeenDrone[]) =>
    absentText(verdicts(row, startedView(seen)), seen);
  const lost = (name: string) => drone(name, "ready", { contact: "lost" });
  assert.equal(text(drone("a"), drone("b", "ready")), undefined);
  assert.equal(text(drone("a"), lost("b")), "waits for b, which is not connected");
  assert.equal(text(lost("a"), lost("b")), "waits for a, b, which are not connected");
  assert.equal(
    text(...["a", "b", "c", "d", "e"].map(lost)),
    "waits for a, b, c and 2 more, which are not connected",
  );
  assert.equal(text(drone("a", "starting", { contact: "away" })), undefined, "told as away");
});

test("starting: services come when those before them are ready", () => {
  const services = [service("web", ["db"]), service("db")];
  const specification = { ...plain, services };
  const release = { kind: "deploy", specification, commit } as const;
  const opened = ask(queued, "open-release", view({ release })).row;
  const event = { kind: "asked", command: "start" } as const;
  const turn = stepRollout(opened, event, view({ release, asked: "start" }));
  assert.deepEqual(turn.durable, [{ kind: "start", services: ["db"], only: undefined }]);
  const own = drone("a", "ready", { wanted: new Map([["db", 1]]) });
  const reports = own.reports.map((report) => ({ ...report, service: "db" }));
  const seen = view({ release, drones: [{ ...own, reports }], deployment: running(["db"]) });
  const next = stepRollout(turn.row, { kind: "looked" }, seen);
  assert.deepEqual(next.durable, [{ kind: "start", services: ["web", "db"], only: undefined }]);
});

test("starting: waves add drones, each with its own time; what ran everywhere before is not limited", () => {
  const begin = (row: RolloutRow, drones: string[], seen: RolloutView) => {
    const event: RolloutEvent = { kind: "asked", command: "start", drones };
    return stepRollout(row, event, { ...seen, asked: "start" });
  };
  const [opened, both] = [ask(queued, "open-release", view()).row, [drone("a"), drone("b")]];
  const first = begin(opened, ["a"], view({ drones: both }));
  assert.deepEqual(first.durable, [{ kind: "start", services: ["web"], only: ["a"] }]);
  const limited = { ...running(["web"]), only: ["a"] };
  const later = view({ drones: both, deployment: limited, now: 2_000_000 });
  assert.equal(begin(first.row, ["a"], later).answer?.outcome, "unchanged", "as after a restart");
  const second = begin(first.row, ["b"], later);
  assert.deepEqual(second.durable, [{ kind: "start", services: ["web"], only: ["a", "b"] }]);
  assert.equal(second.row.phaseAt, 2_000_000);
  const all = { ...opened, former: running(["web"]) };
  const unlimited = begin(all, ["a"], view({ drones: both, deployment: running(["web"]) }));
  assert.deepEqual(unlimited.durable, [{ kind: "start", services: ["web"], only: undefined }]);
});

test("starting: of a wave only what has its place there must be ready", () => {
  const services = [service("web"), service("db")];
  const release = { kind: "deploy", specification: { ...plain, services }, commit } as const;
  const deployment = { ...running(["web", "db"]), only: ["a"] };
  const wave = view({ release, drones: [drone("a", "ready")], deployment, asked: "wait-healthy" });
  assert.equal(step(starting, { kind: "looked" }, wave).answered, "wait-healthy done");
  const { only: _, ...whole } = deployment;
  const last = { ...wave, deployment: whole };
  assert.equal(step(starting, { kind: "looked" }, last).answered, undefined);
});

test("starting: cancelled or stopped, its run is broken off, and the first reason stays", () => {
  const cancelled = step(starting, { kind: "cancelled", by: "ann" }, startedView([]));
  assert.deepEqual([cancelled.effects, cancelled.answered], [["break-off"], undefined]);
  assert.deepEqual(
    [cancelled.row.failure?.state, cancelled.row.failure?.reason],
    ["cancelled", "ann cancelled it"],
  );
  const again = step(cancelled.row, { kind: "stopped", by: "bob" }, startedView([]));
  assert.deepEqual(again.row.failure, cancelled.row.failure);
  assert.deepEqual(again.effects, []);
  const stopped = step(starting, { kind: "stopped", by: "bob" }, startedView([]));
  assert.deepEqual(
    [stopped.row.failure?.state, stopped.row.failure?.reason],
    ["failed", "bob stopped it meanwhile"],
  );
});

test("undoing: ends when its instances are gone, at once when the deployment ran before, or after 2 min", () => {
  const cancelled = step(starting, { kind: "cancelled", by: "ann" }, startedView([])).row;
  const undoing = ask(cancelled, "undo-release", startedView([])).row;
  const there = startedView([drone("a", "stopping")]);
  assert.deepEqual(step(undoing, { kind: "looked" }, there).effects, []);
  assert.equal(deadlineOf(undoing, there), undoing.phaseAt + 2 * 60_000);
  assert.equal(
    step(undoing, { kind: "looked" }, startedView([drone("a")])).end?.state,
    "cancelled",
  );
  const shared = { ...undoing, former: running(["web"]) };
  assert.equal(step(shared, { kind: "looked" }, there).end?.state, "cancelled");
  const late = { ...there, now: there.now + 2 * 60_000 };
  assert.equal(step(undoing, { kind: "looked" }, late).end?.state, "cancelled");
});

function memory(names: readonly string[], staleFailures: string[] = []): RolloutRow["drones"] {
  return names.map((identity) => ({
    identity,
    wasThere: true,
    ranBefore: false,
    staleFailures,
  }));
}
