/**
 * Command lines that are explained before anything is tried, many in one process: starting a process for
 * each would take longer than all of them. Run as a program it reads the command lines as JSON.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { propagitProgram } from "../../src/propagit.js";
import { runCommand } from "../../src/run.js";
import { environmentFor, type Finished } from "./command.js";

const self = fileURLToPath(import.meta.url);
/** The test runner starts every file, too. */
const marker = "--explain";

export function explainAll(lines: readonly (readonly string[])[]): readonly Finished[] {
  const { stdout, stderr } = spawnSync(process.execPath, [self, marker], {
    env: environmentFor(undefined),
    input: JSON.stringify(lines),
    encoding: "utf8",
  });
  if (stdout === "") throw new Error(`nothing was explained: ${stderr}`);
  return JSON.parse(stdout) as Finished[];
}

async function explain(args: readonly string[]): Promise<Finished> {
  const printed = { stdout: "", stderr: "" };
  const [out, err] = [process.stdout, process.stderr].map((one) => one.write.bind(one));
  for (const name of ["stdout", "stderr"] as const) {
    process[name].write = (text: string | Uint8Array) => {
      printed[name] += String(text);
      return true;
    };
  }
  process.exitCode = 0;
  await runCommand(propagitProgram(), () => args);
  const { exitCode: code } = process;
  if (out) process.stdout.write = out;
  if (err) process.stderr.write = err;
  return { code, ...printed };
}

if (process.argv[1] === self && process.argv[2] === marker) {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const results: Finished[] = [];
  for (const args of JSON.parse(Buffer.concat(chunks).toString()) as string[][]) {
    results.push(await explain(args));
  }
  process.exitCode = 0;
  process.stdout.write(JSON.stringify(results));
}
