/** pm2 from the npm registry, kept in `.cache`: the process manager that most people of Node know. */
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const cacheFolder = fileURLToPath(new URL("../../.cache/", import.meta.url));
const version = "7.0.4";

export class Pm2 {
  readonly name = `pm2 ${version}`;
  readonly #program: string;
  readonly #home: string;

  private constructor(program: string, home: string) {
    this.#program = program;
    this.#home = home;
  }

  /** @param home a folder of its own, so that it meets no other pm2 of this machine */
  static async install(home: string): Promise<Pm2> {
    const target = join(cacheFolder, `pm2-${version}`);
    const isThere = await stat(target).then(
      () => true,
      () => false,
    );
    if (!isThere) await install(target);
    await mkdir(home, { recursive: true });
    return new Pm2(join(target, "node_modules", "pm2", "bin", "pm2"), home);
  }

  /** Starts its daemon; gives the daemon's pid. */
  async startDaemon(): Promise<number> {
    await this.#run("ping");
    return Number(await readFile(join(this.#home, "pm2.pid"), "utf8"));
  }

  async startMany(count: number, command: string, args: string): Promise<void> {
    const apps = Array.from({ length: count }, (_, index) => ({
      name: `idle-${index + 1}`,
      script: command,
      args,
      interpreter: "none",
    }));
    const path = join(this.#home, "ecosystem.json");
    await writeFile(path, JSON.stringify({ apps }));
    await this.#run("start", path);
  }

  /** What runs is remembered for `resurrect`. */
  async save(): Promise<void> {
    await this.#run("save");
  }

  /** A new daemon starts everything anew: it takes over nothing that runs. */
  async resurrect(): Promise<void> {
    await this.#run("resurrect");
  }

  async kill(): Promise<void> {
    await this.#run("kill");
  }

  async #run(...args: readonly string[]): Promise<void> {
    const { PATH = "", HOME = "" } = process.env;
    const env = { PATH, HOME, PM2_HOME: this.#home, PM2_DISABLE_VERSION_CHECK: "true" };
    // Its daemon inherits what it is given: a pipe would never be at its end.
    await execa(process.execPath, [this.#program, "--silent", ...args], {
      env,
      extendEnv: false,
      stdio: "ignore",
      timeout: 120_000,
    });
  }
}

async function install(target: string): Promise<void> {
  const fresh = `${target}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  const manifest = { name: "peer", private: true, dependencies: { pm2: version } };
  await writeFile(join(fresh, "package.json"), JSON.stringify(manifest));
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", fresh];
  try {
    await execa("npm", args, { timeout: 300_000 });
    await rename(fresh, target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
