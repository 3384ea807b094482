/**
 * An application that nobody here wrote: Node-RED from the npm registry, with everything it needs
 * (8,400 files, 117 MB), as a team would check it in. Kept in `.cache`, outside of git.
 */
import { cp, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const cacheFolder = fileURLToPath(new URL("../../../.cache/", import.meta.url));
/** Runs on Node 18 to 24. */
const appVersion = "4.1.15";

/** The command a drone runs it with; its own data goes to a folder of its own. */
export const realAppCommand = [
  "sh",
  "-c",
  'exec node node_modules/node-red/red.js --port "$PORT" --userDir "$DATA/$PROCESS_ID"',
] as const;

/**
 * Copies the application, `node_modules` and all, into a folder.
 *
 * @returns why it cannot be had, or undefined when it is there
 */
export async function placeRealApp(target: string): Promise<string | undefined> {
  const source = join(cacheFolder, `node-red-${appVersion}`);
  if (!(await exists(source))) {
    const problem = await install(source);
    if (problem !== undefined) return problem;
  }
  await cp(source, target, { recursive: true, verbatimSymlinks: true });
  return undefined;
}

async function install(target: string): Promise<string | undefined> {
  const fresh = `${target}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  const manifest = { name: "flows", private: true, dependencies: { "node-red": appVersion } };
  await writeFile(join(fresh, "package.json"), JSON.stringify(manifest));
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", fresh];
  const { exitCode, stderr } = await execa("npm", args, { reject: false, timeout: 300_000 });
  if (exitCode === 0) await rename(fresh, target);
  else await rm(fresh, { recursive: true, force: true });
  return exitCode === 0 ? undefined : `node-red cannot be installed: ${stderr.slice(0, 500)}`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
