/**
 * Machines on this one: network namespaces, each with one line to the router of its zone, zones joined by
 * long lines. Bandwidth is `tc tbf` at the sending end of every line, so both directions are bounded.
 *
 *     [hub]--line--(zone a)==long line==(zone b)--line--[drone]
 *     [drone]--line--/                       \--line--[drone]
 *
 * Routers and not bridges: a machine knows one neighbour only, however many it talks to; the kernel's table of
 * neighbours is one for all namespaces, and 64 drones that know each other would fill it.
 *
 * Everything is named after this process, and gone with it: also after an uncaught error or a signal. What a
 * process left that was killed hard, the next one removes.
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

const prefix = "pgt";
const namespaceFolder = "/run/netns";
/** How a machine calls its line. */
const lineName = "line";
/** As long as what is on its way is queued at the sender before a packet is dropped. */
const usualQueueMs = 60;
/** Smallest bucket of `tbf`: a few packets as large as TCP makes them at these rates. */
const burstBytesMin = 64 * 1024;
/** The bucket holds what a line carries within this time. */
const burstMs = 10;

export interface Machine {
  readonly name: string;
  readonly zone: string;
  readonly address: string;
  /** Words in front of a command that run it there. */
  readonly elsewhere: readonly string[];
}

/** Bytes on the line of a machine, all headers included, since it was made. */
export interface Carried {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/**
 * Of a packet on a line. All lines share the cores of this machine, and what a packet costs is the same whatever
 * its size: with those of 1,500 bytes the lines themselves need more time than who talks over them.
 */
const packetBytesUsual = 9_000;
/** Table of routes for what did not pass the detour yet. */
const detourTable = 100;
/** What waits for the program of the detour: far more than the lines' own queues let through at once. */
const detourPacketsMax = 10_000;

interface Zone {
  readonly name: string;
  readonly index: number;
  readonly router: string;
  machines: number;
}

export interface MachinesOptions {
  /** Largest packet on a line; default: 9,000. */
  readonly packetBytesMax?: number;
}

export class Machines {
  readonly #packetBytesMax: number;
  readonly #tag = `${prefix}-${process.pid}-${serial++}`;
  readonly #zones = new Map<string, Zone>();
  readonly #machines = new Map<string, Machine>();

  private constructor({ packetBytesMax = packetBytesUsual }: MachinesOptions) {
    this.#packetBytesMax = packetBytesMax;
    living.add(this);
  }

  /** @returns why there can be no machines here, or undefined */
  static get problem(): string | undefined {
    if (process.getuid?.() !== 0) return "making network namespaces needs root";
    for (const command of ["ip", "tc"]) {
      if (!succeeds(command, ["-V"]))
        return `making network namespaces needs ${command} (iproute2)`;
    }
    const probe = `${prefix}-${process.pid}-probe`;
    if (!succeeds("ip", ["netns", "add", probe])) return "this kernel makes no network namespaces";
    try {
      const shape = ["dev", "lo", "root", ...tbf(1e6)];
      return succeeds("tc", ["-n", probe, "qdisc", "replace", ...shape])
        ? undefined
        : "this kernel has no tc tbf";
    } finally {
      succeeds("ip", ["netns", "delete", probe]);
    }
  }

  /** None yet; removes what processes left that are no more. */
  static create(options: MachinesOptions = {}): Machines {
    removeLeftovers();
    removeAtExit();
    return new Machines(options);
  }

  /** A machine with a line of so many bytes a second in each direction; its zone is made with the first one. */
  add(name: string, zoneName = "a", bytesPerSecond?: number): Machine {
    const zone = this.#zone(zoneName);
    const place = `${this.#tag}-${name}`;
    const address = `10.231.${zone.index}.${2 + zone.machines++}`;
    const gateway = `10.231.${zone.index}.1`;
    ip("netns", "add", place);
    ip(
      "-n",
      zone.router,
      "link",
      "add",
      name,
      "type",
      "veth",
      "peer",
      "name",
      lineName,
      "netns",
      place,
    );
    batch(zone.router, [
      `address add ${gateway}/32 dev ${name}`,
      `link set ${name} mtu ${this.#packetBytesMax} up`,
      `route add ${address}/32 dev ${name}`,
    ]);
    batch(place, ["link set lo up", `address add ${address}/32 dev ${lineName}`]);
    const machine = { name, zone: zoneName, address, elsewhere: ["ip", "netns", "exec", place] };
    this.#machines.set(name, machine);
    this.up(name);
    if (bytesPerSecond !== undefined) this.shape(name, bytesPerSecond);
    return machine;
  }

  /**
   * Bandwidth of a machine's line from now on, in each direction; undefined: no bound.
   *
   * @param queueMs of packets that wait for it. Whoever sends to dozens at once needs seconds: each connection has two
   *   packets waiting, and one whose packets find no room in its own machine's queue is given up by TCP after 60 s
   *   (measured: 32 downloads at the same moment through a queue of 60 ms, 15 of them broken off).
   */
  shape(name: string, bytesPerSecond: number | undefined, queueMs?: number): void {
    const { zone } = this.machine(name);
    shapeEnd(this.#zone(zone).router, name, bytesPerSecond, queueMs);
    shapeEnd(this.#place(name), lineName, bytesPerSecond, queueMs);
  }

  /** A line between two zones, of so many bytes a second in each direction. */
  join(one: string, other: string, bytesPerSecond: number): void {
    const [left, right] = [this.#zone(one), this.#zone(other)];
    const [leftEnd, rightEnd] = [`to-${other}`, `to-${one}`];
    ip(
      "-n",
      left.router,
      "link",
      "add",
      leftEnd,
      "type",
      "veth",
      "peer",
      "name",
      rightEnd,
      "netns",
      right.router,
    );
    const ends = [
      { from: left, to: right, end: leftEnd, host: 1 },
      { from: right, to: left, end: rightEnd, host: 2 },
    ];
    for (const { from, end, host } of ends) {
      batch(from.router, [
        `address add 10.231.255.${host}/30 dev ${end}`,
        `link set ${end} mtu ${this.#packetBytesMax} up`,
      ]);
    }
    for (const { from, to, end, host } of ends) {
      batch(from.router, [
        `route add 10.231.${to.index}.0/24 via 10.231.255.${3 - host} dev ${end}`,
      ]);
      shapeEnd(from.router, end, bytesPerSecond);
    }
  }

  /** Words in front of a command that run it on the router of a zone, which is made with its first machine. */
  atRouter(zone: string): readonly string[] {
    return ["ip", "netns", "exec", this.#zone(zone).router];
  }

  /**
   * Every packet that comes to the router of a zone goes out by a device first; what comes back from there goes
   * where it is meant to. The device is that of a program that loses and delays packets, and is there already.
   *
   *     [machine]--line--(router)--line--[machine]
   *                       |    ^
   *                       +-dev+
   */
  detour(zoneName: string, device: string): void {
    const { router } = this.#zone(zoneName);
    batch(router, [
      `link set ${device} mtu ${this.#packetBytesMax} txqueuelen ${detourPacketsMax} up`,
      `route add default dev ${device} table ${detourTable}`,
      `rule add not iif ${device} table ${detourTable}`,
    ]);
  }

  /** How TCP on a machine decides how fast to send, such as `reno`. */
  congestion(name: string, control: string): void {
    tune(this.#place(name), "tcp_congestion_control", control);
  }

  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (!machine) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  /** Cuts the line of a machine: nothing comes through, and nobody is told. */
  down(name: string): void {
    ip("-n", this.#place(name), "link", "set", lineName, "down");
  }

  up(name: string): void {
    const gateway = `10.231.${this.#zone(this.machine(name).zone).index}.1`;
    batch(this.#place(name), [
      `link set ${lineName} mtu ${this.#packetBytesMax} up`,
      `route replace ${gateway}/32 dev ${lineName}`,
      `route replace default via ${gateway} dev ${lineName}`,
    ]);
  }

  /** What every machine has sent and received, by its name. */
  carried(): ReadonlyMap<string, Carried> {
    const all = [...this.#zones.values()].flatMap(({ router }) => carriedBy(router));
    return new Map(all.filter(([name]) => this.#machines.has(name)));
  }

  /** What the line from one zone to another has carried: sent by the first, received by it. */
  carriedBetween(one: string, other: string): Carried {
    const [, carried] =
      carriedBy(this.#zone(one).router).find(([name]) => name === `to-${other}`) ?? [];
    if (!carried) throw new Error(`zones ${one} and ${other} are not joined`);
    // The counters of a router's end are the other way round.
    return { sentBytes: carried.receivedBytes, receivedBytes: carried.sentBytes };
  }

  /** Ends everything that runs on the machines, and removes them. */
  remove(): void {
    living.delete(this);
    removeNamespaces((name) => name.startsWith(`${this.#tag}-`));
  }

  #place(name: string): string {
    return `${this.#tag}-${this.machine(name).name}`;
  }

  #zone(name: string): Zone {
    const known = this.#zones.get(name);
    if (known) return known;
    const zone = {
      name,
      index: this.#zones.size,
      router: `${this.#tag}-zone-${name}`,
      machines: 0,
    };
    ip("netns", "add", zone.router);
    tune(zone.router, "ip_forward", "1");
    this.#zones.set(name, zone);
    return zone;
  }
}

let serial = 0;
const living = new Set<Machines>();
let isRemovedAtExit = false;

function removeAtExit(): void {
  if (isRemovedAtExit) return;
  isRemovedAtExit = true;
  process.on("exit", () => {
    for (const machines of living) machines.remove();
  });
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
}

/** Of processes that were killed so that they could not clear up. */
function removeLeftovers(): void {
  removeNamespaces((name) => {
    const [, pid] = new RegExp(`^${prefix}-(\\d+)-`).exec(name) ?? [];
    return pid !== undefined && !succeeds("kill", ["-0", pid]);
  });
}

function removeNamespaces(fits: (name: string) => boolean): void {
  const names = namespaces().filter(fits);
  for (const name of names) {
    const pids = output("ip", ["netns", "pids", name]).split("\n").filter(Boolean);
    if (pids.length > 0) succeeds("kill", ["-KILL", ...pids]);
  }
  for (const name of names) succeeds("ip", ["netns", "delete", name]);
}

function namespaces(): readonly string[] {
  try {
    return readdirSync(namespaceFolder);
  } catch {
    return [];
  }
}

function shapeEnd(
  place: string,
  device: string,
  bytesPerSecond: number | undefined,
  queueMs?: number,
): void {
  const end = ["dev", device, "root"];
  if (bytesPerSecond === undefined) succeeds("tc", ["-n", place, "qdisc", "delete", ...end]);
  else run("tc", ["-n", place, "qdisc", "replace", ...end, ...tbf(bytesPerSecond, queueMs)]);
}

function tbf(bytesPerSecond: number, queueMs = usualQueueMs): readonly string[] {
  const burst = Math.max(burstBytesMin, Math.round((bytesPerSecond * burstMs) / 1_000));
  const rate = `${Math.round(bytesPerSecond * 8)}bit`;
  return ["tbf", "rate", rate, "burst", `${burst}b`, "latency", `${queueMs}ms`];
}

interface LinkStatistics {
  readonly ifname: string;
  readonly stats64: {
    readonly rx: { readonly bytes: number };
    readonly tx: { readonly bytes: number };
  };
}

function carriedBy(router: string): readonly (readonly [name: string, carried: Carried])[] {
  const links = JSON.parse(
    output("ip", ["-n", router, "-s", "-j", "link", "show"]),
  ) as LinkStatistics[];
  return links.map(({ ifname, stats64 }) => [
    ifname,
    { sentBytes: stats64.rx.bytes, receivedBytes: stats64.tx.bytes },
  ]);
}

function tune(place: string, name: string, value: string): void {
  run("ip", ["netns", "exec", place, "sh", "-c", `echo ${value} > /proc/sys/net/ipv4/${name}`]);
}

function batch(place: string, commands: readonly string[]): void {
  run("ip", ["-n", place, "-batch", "-"], `${commands.join("\n")}\n`);
}

function ip(...args: readonly string[]): void {
  run("ip", args);
}

function run(command: string, args: readonly string[], input = ""): void {
  execFileSync(command, args, { stdio: "pipe", input });
}

function output(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { stdio: "pipe", maxBuffer: 16 * 1024 * 1024 }).toString();
  } catch {
    return "";
  }
}

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    run(command, args);
    return true;
  } catch {
    return false;
  }
}
