/** What happens while visitors come: twenty switches in order, and switches while daemons are killed. */
import type { ClusterEvent } from "@propagit/protocol";
import type { SwitchDrill } from "./drill.js";

export type Step = readonly [what: string, (drill: SwitchDrill) => Promise<void>];

/** Deploys, promotes, rollbacks, splits and stops; `A` runs and has all visitors. */
export const switches: readonly Step[] = [
  ["deploy B", (drill) => drill.deploy("B")],
  ["rollback to A", (drill) => drill.rollback("A")],
  ["promote B", (drill) => drill.promote("B")],
  ["split A 50, B 50", (drill) => drill.split({ A: 50, B: 50 })],
  ["split A 10, B 90", (drill) => drill.split({ A: 10, B: 90 })],
  ["stop A", (drill) => drill.stop("A", ["B"])],
  ["deploy C aside", (drill) => drill.deployAside("C")],
  ["split B 50, C 50", (drill) => drill.split({ B: 50, C: 50 })],
  ["promote C", (drill) => drill.promote("C")],
  ["deploy D", (drill) => drill.deploy("D")],
  ["rollback to C", (drill) => drill.rollback("C")],
  ["promote D", (drill) => drill.promote("D")],
  ["stop B", (drill) => drill.stop("B", ["D"])],
  ["stop C", (drill) => drill.stop("C", ["D"])],
  ["deploy E", (drill) => drill.deploy("E")],
  ["split D 30, E 70", (drill) => drill.split({ D: 30, E: 70 })],
  ["stop E", (drill) => drill.stop("E", ["D"])],
  ["deploy F", (drill) => drill.deploy("F")],
  ["promote D", (drill) => drill.promote("D")],
  ["promote F", (drill) => drill.promote("F")],
  ["stop D", (drill) => drill.stop("D", ["F"])],
];

/** The same kind of things while hub, registry and a drone are killed with -9 and started again; `F` has all visitors. */
export const killings: readonly Step[] = [
  ["deploy G while the hub is killed", deployThroughKill],
  ["split F 50, G 50 while the registry is killed", splitWithoutRegistry],
  ["stop F while the hub is killed", stopThroughKill],
  ["deploy H while a drone is killed", deployThroughDrone],
  ["stop G while the drone that was killed comes back", (drill) => drill.stop("G", ["H"])],
];

async function deployThroughKill(drill: SwitchDrill): Promise<void> {
  const commit = await drill.push("G");
  await drill.during(["G"], async () => {
    await drill.run("deploy", "--promote", "--detach", "webapp", commit);
    await restartHub(drill);
    await drill.until("G to be ready", async () => {
      return (await drill.releaseOf("G"))?.state === "ready";
    });
    await drill.untilApplied();
  });
}

/** What is known of endpoints is enough: both run already. */
async function splitWithoutRegistry(drill: SwitchDrill): Promise<void> {
  drill.registry.kill("SIGKILL");
  await drill.registry.exited;
  await drill.split({ F: 50, G: 50 });
  await drill.startRegistry();
  await drill.untilApplied();
}

/** It is killed when it has written that nothing of F is wanted, and before its instances have ended. */
async function stopThroughKill(drill: SwitchDrill): Promise<void> {
  await drill.during(["G"], async () => {
    const stopping = drill.cluster.propagit("stop", "--force", "webapp", drill.commitOf("F"));
    await drill.until("F to be on its way out", async () => {
      const { stdout } = await drill.cluster.propagit("events", "--json", "--last=20");
      const events = JSON.parse(stdout) as ClusterEvent[];
      return events.some(
        ({ kind, commit }) => kind === "stopped" && commit === drill.commitOf("F"),
      );
    });
    await restartHub(drill);
    await stopping;
    await drill.untilGone("F");
    await drill.untilApplied();
  });
}

async function deployThroughDrone(drill: SwitchDrill): Promise<void> {
  const commit = await drill.push("H");
  const drone = drill.drones.get("a");
  await drill.during(["H"], async () => {
    await drill.run("deploy", "--promote", "--detach", "webapp", commit);
    drone?.kill("SIGKILL");
    await drone?.exited;
    await drill.startDrone("a");
    await drill.until("H to be ready", async () => {
      return (await drill.releaseOf("H"))?.state === "ready";
    });
    await drill.untilApplied();
  });
}

async function restartHub(drill: SwitchDrill): Promise<void> {
  drill.hub.kill("SIGKILL");
  await drill.hub.exited;
  await drill.startHub();
}
