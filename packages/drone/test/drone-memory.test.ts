/** What a drone does when its next life cannot read what it remembered: nothing that runs may end by it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@propagit/registry";
import { sessionPaths, simulate } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { assignmentOf, clusterKey, HubDouble, serviceOf } from "./support/hub-double.js";
import { hubAddress, SimMachine } from "./support/sim-machine.js";

const wish = {
  repo: "webapp",
  commit: "a".repeat(40),
  services: [{ service: "web", instances: 2 }],
};
const { id } = assignmentOf(wish);

/** One machine whose two instances of a service run and are registered, under a drone that is dead. */
async function openOrphaned(seed: number) {
  const simulation = simulate(seed);
  const { clock, network } = simulation;
  const hub = new HubDouble(simulation.worldOf("hub"));
  const machine = new SimMachine(simulation, "box");
  hub.specifications.set(id, { services: [serviceOf()], config: { COLOUR: "red" } });
  const registry = new Registry(simulation.worldOf("registry"), {
    store: openMemoryStore(),
    clusterKey,
  });
  const registryAddress = { host: "hub", port: hub.registryPort };
  network.serve(registryAddress, sessionPaths.registry, (wire) => registry.accept(wire));
  const startHub = () => network.serve(hubAddress, sessionPaths.hub, (wire) => hub.accept(wire));
  const ports = () =>
    registry
      .query({})
      .endpoints.map(({ port }) => port)
      .toSorted((left, right) => left - right);
  const stopHub = startHub();
  const { kill } = machine.startLife({ services: true });
  hub.assign(wish);
  await clock.until("two registered", () => ports().length === 2);
  await clock.advance(5_000);
  const pids = () => [...machine.processes].map(({ pid }) => pid);
  kill();
  stopHub();
  hub.forget();
  machine.log.length = 0;
  return { clock, hub, machine, registry, startHub, ports, pids };
}

const cut = (text: string) => text.slice(0, text.length / 2);
const damages: readonly (readonly [
  what: string,
  file: string,
  change: (text: string) => string | undefined,
  said: RegExp | undefined,
])[] = [
  ["desired.json is half written", "desired.json", cut, /desired\.json is damaged/],
  ["desired.json is empty", "desired.json", () => "", /desired\.json is damaged/],
  ["desired.json is something else", "desired.json", () => "[1]", /desired\.json is damaged/],
  ["desired.json is of a later version", "desired.json", laterFormat, /desired\.json is damaged/],
  ["desired.json is gone", "desired.json", () => undefined, undefined],
  ["its settings are damaged", "desired.json", otherConfig, /1 deployment\(s\).* cannot be read/],
  ["the key is another one", "key", () => "0".repeat(64), /1 deployment\(s\).* cannot be read/],
  ["the key is damaged", "key", () => "not a key", /key is damaged; a new key is made/],
  ["the key is gone", "key", () => undefined, /1 deployment\(s\).* cannot be read/],
  ["lease.json is half written", "lease.json", cut, /lease\.json is damaged/],
  ["lease.json is gone", "lease.json", () => undefined, undefined],
];

for (const [what, file, change, said] of damages) {
  test(`lets everything run on when ${what}${said ? ", and says so" : ""}`, async () => {
    const { clock, hub, machine, startHub, ports, pids } = await openOrphaned(1);
    const [before, registered] = [pids(), ports()];
    await machine.damage(file, change);

    machine.startLife({ services: true });
    await clock.advance(20_000);

    assert.deepEqual(pids(), before, "without a hub");
    if (said) assert.ok(machine.log.some((line) => line.startsWith("! ") && said.test(line)));

    startHub();
    const areReady = () =>
      [...hub.instances.values()].filter(({ phase }) => phase === "ready").length === 2;
    await clock.until("both reported as ready", areReady, 60_000);
    // As long as records of the old lease can be in the way.
    await clock.advance(60_000);
    assert.deepEqual([pids(), ports(), machine.signals], [before, registered, 0]);
    assert.ok(areReady());

    // Known again how it is run: what crashes comes back with its settings.
    const [first] = machine.processes;
    first?.end("was ended by SIGSEGV", 139);
    await clock.until("two again", () => machine.processes.size === 2 && areReady(), 60_000);
    assert.deepEqual(
      [...machine.processes].map(({ variables }) => variables["COLOUR"]),
      ["red", "red"],
    );
  });
}

test("asks for settings only that it cannot read", async () => {
  const { clock, hub, machine, startHub } = await openOrphaned(2);
  const before = hub.asked.length;
  machine.startLife({ services: true });
  startHub();
  await clock.advance(20_000);
  assert.equal(hub.asked.length, before);
});

function laterFormat(text: string): string {
  return JSON.stringify({ ...(JSON.parse(text) as object), format: 99 });
}

/** One character of what is hidden is another. */
function otherConfig(text: string): string {
  const stored = JSON.parse(text) as { specifications: { config: string }[] };
  const [one] = stored.specifications;
  if (one) one.config = `${one.config.startsWith("0") ? "1" : "0"}${one.config.slice(1)}`;
  return JSON.stringify(stored);
}
