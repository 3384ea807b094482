/** A real sshd of this test alone: own port, own keys, own known hosts, nothing of the machine's. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

const program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find((path) => existsSync(path));

/** Why there can be none here; false when there can. */
export const noSshd: string | false =
  program === undefined ? "there is no sshd here; script/setup installs openssh-server" : false;

export interface TestSshd {
  readonly folder: string;
  readonly port: number;
  /** A configuration for ssh in which `near` is this sshd, and other names are ways that do not work. */
  readonly configFile: string;
  readonly knownHosts: string;
  /** Ends it and every connection to it. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** @param more lines of its configuration */
export async function startSshd(more: readonly string[] = []): Promise<TestSshd> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-sshd-"));
  const port = await freePort();
  for (const key of ["host", "user", "stranger"]) makeKey(join(folder, key));
  const publicKey = (name: string) =>
    execFileSync("ssh-keygen", ["-y", "-f", join(folder, name)], { encoding: "utf8" }).trim();
  const knownHosts = join(folder, "known_hosts");
  await writeFile(join(folder, "authorized_keys"), `${publicKey("user")}\n`, { mode: 0o600 });
  await writeFile(knownHosts, `[127.0.0.1]:${port} ${publicKey("host")}\n`);
  await writeFile(join(folder, "other_hosts"), `[127.0.0.1]:${port} ${publicKey("stranger")}\n`);
  await writeFile(join(folder, "no_hosts"), "");
  await writeFile(join(folder, "sshd_config"), sshdConfig(folder, port, more));
  const configFile = join(folder, "ssh_config");
  await writeFile(configFile, sshConfig(folder, port));
  // As root it wants this folder, which the machine's own makes when it starts.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const life = new Life(folder, port);
  await life.start();
  return {
    folder,
    port,
    configFile,
    knownHosts,
    start: () => life.start(),
    stop: () => life.stop(),
    close: async () => {
      await life.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

class Life {
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  async start(): Promise<void> {
    const words = ["-D", "-e", "-f", join(this.#folder, "sshd_config")];
    const child = spawn(program ?? "sshd", words, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    while (!(await answers(this.#port))) {
      if (child.exitCode !== null) throw new Error(`sshd did not start: ${said}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }

  /** Its children, one for each connection, are ended by their parent's pid. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child?.pid || child.exitCode !== null) return;
    const ended = once(child, "exit");
    for (const pid of [...descendants(child.pid), child.pid]) end(pid);
    await ended;
  }
}

/** Deepest last; only the processes of sshd itself, not what users left running. */
function descendants(parent: number): number[] {
  const table = execFileSync("ps", ["-eo", "pid=,ppid=,comm="], { encoding: "utf8" });
  const rows = table
    .trim()
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  const below = (pid: number): number[] =>
    rows
      .filter(([, ppid, name]) => Number(ppid) === pid && name?.startsWith("sshd"))
      .flatMap(([child]) => [Number(child), ...below(Number(child))]);
  return below(parent);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

function makeKey(path: string): void {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
}

function sshdConfig(folder: string, port: number, more: readonly string[]): string {
  return [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${folder}/host`,
    `PidFile ${folder}/sshd.pid`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin yes",
    "MaxStartups 100",
    ...more,
    "",
  ].join("\n");
}

function sshConfig(folder: string, port: number): string {
  const host = (name: string, lines: readonly string[]) =>
    [`Host ${name}`, ...lines.map((line) => `  ${line}`)].join("\n");
  return [
    host("stranger", [`IdentityFile ${folder}/stranger`]),
    host("changed", [`UserKnownHostsFile ${folder}/other_hosts`]),
    host("unknown", [`UserKnownHostsFile ${folder}/no_hosts`]),
    host("nobody", [`Port ${port + 1 > 65_535 ? port - 1 : port + 1}`]),
    host("* !stranger", [`IdentityFile ${folder}/user`]),
    host("*", [
      "HostName 127.0.0.1",
      `Port ${port}`,
      `User ${userInfo().username}`,
      "IdentitiesOnly yes",
      "IdentityAgent none",
      `UserKnownHostsFile ${folder}/known_hosts`,
      "GlobalKnownHostsFile none",
      "StrictHostKeyChecking yes",
    ]),
    "",
  ].join("\n");
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("error", () => resolve(false));
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
