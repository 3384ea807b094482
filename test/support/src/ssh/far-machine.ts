/**
 * Machines behind ssh, on this one: each a real sshd of its own with a home and a PATH of its own, and what the PATH
 * lacks, the machine lacks.
 *
 *     ssh (ours first: it adds `-F` to the real one) --> sshd of `web-1` --> HOME=…/web-1/home PATH=…/web-1/bin
 *
 * No systemd runs here. On a machine that shall have one, `systemctl`, `loginctl` and `journalctl` are stand-ins: they
 * write down how they were called, and the first starts and ends what units of the user's folder say, for real.
 */
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { systemdStandIns } from "./systemd-stand-in.js";
import { startSshd, type TestSshd } from "./sshd.js";

export interface FarMachineOptions {
  /** Programs that it has none of. */
  readonly lacks?: readonly string[];
  /** Of the Node on its PATH: scripts and the real one are files here. Default: none. */
  readonly node?: string;
  /** Default true. */
  readonly systemd?: boolean;
  /** Instead of a folder in the machine's own. */
  readonly home?: string;
}

export interface FarMachine {
  readonly name: string;
  readonly home: string;
  /** Its PATH. */
  readonly bin: string;
  readonly sshd: TestSshd;
  /** How its `systemctl` was called, each call in a line. */
  systemdCalls(): Promise<readonly string[]>;
}

/** Programs that a fresh machine does not have, whatever this one has. */
const notThere =
  /^(?:node|nodejs|npm|npx|corepack|propagit|registry|systemctl|loginctl|journalctl)$/;

export class FarMachines {
  readonly #folder: string;
  readonly #machines: FarMachine[] = [];
  /** Lines of the client's configuration, by names of hosts. */
  readonly #hosts = new Map<string, readonly string[]>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What a program needs in its environment to reach them by `ssh NAME`. */
  get path(): string {
    return `${join(this.#folder, "client")}${delimiter}${process.env["PATH"] ?? ""}`;
  }

  async add(name: string, options: FarMachineOptions = {}): Promise<FarMachine> {
    const folder = join(this.#folder, name);
    const [bin, state] = [join(folder, "bin"), join(folder, "systemd")];
    const home = options.home ?? join(folder, "home");
    for (const each of [bin, state, home]) await mkdir(each, { recursive: true });
    await fillPath(bin, options);
    if (options.systemd ?? true) await addScripts(bin, systemdStandIns(state));
    const sshd = await startSshd([`SetEnv HOME=${home} PATH=${bin}`]);
    const machine: FarMachine = {
      name,
      home,
      bin,
      sshd,
      systemdCalls: async () => {
        const text = await readFile(join(state, "calls"), "utf8").catch(() => "");
        return text.split("\n").filter((line) => line !== "");
      },
    };
    this.#machines.push(machine);
    await this.name(name, machine);
    return machine;
  }

  /** One more name for a machine, with lines of its own in the client's configuration. */
  async name(name: string, { sshd }: FarMachine, more: readonly string[] = []): Promise<void> {
    this.#hosts.set(name, [
      ...more,
      `Port ${sshd.port}`,
      `IdentityFile ${sshd.folder}/user`,
      `UserKnownHostsFile ${sshd.knownHosts}`,
    ]);
    await this.#writeClient();
  }

  async close(): Promise<void> {
    for (const { sshd } of this.#machines) await sshd.close();
  }

  async #writeClient(): Promise<void> {
    const folder = join(this.#folder, "client");
    await mkdir(folder, { recursive: true });
    const config = join(folder, "config");
    const hosts = [...this.#hosts].flatMap(([name, lines]) => [`Host ${name}`, ...lines]);
    await writeFile(config, `${[...hosts, ...everyHost].join("\n")}\n`);
    await addScripts(
      folder,
      new Map([["ssh", `#!/bin/sh\nexec ${realSsh} -F '${config}' "$@"\n`]]),
    );
  }
}

const everyHost = [
  "Host *",
  "HostName 127.0.0.1",
  "IdentitiesOnly yes",
  "IdentityAgent none",
  "GlobalKnownHostsFile none",
  "StrictHostKeyChecking yes",
];

const realSsh = ["/usr/bin/ssh", "/usr/local/bin/ssh"].find((path) => existsSync(path)) ?? "ssh";

async function fillPath(bin: string, { lacks = [], node }: FarMachineOptions): Promise<void> {
  for (const folder of ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      if (notThere.test(name) || lacks.includes(name) || existsSync(join(bin, name))) continue;
      await symlink(join(folder, name), join(bin, name)).catch(() => undefined);
    }
  }
  if (node !== undefined) await symlink(node, join(bin, "node"));
}

async function addScripts(folder: string, scripts: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, text] of scripts) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
}
