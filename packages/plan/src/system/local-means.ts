/** What commands have beside the host, in front of a user: his environment and his files. */
import { open } from "node:fs/promises";
import { formatBytes, PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import type { Host, Means } from "../command.js";
import type { HostView } from "../config/generator.js";

/** @param env where secrets are found by their names */
export function localMeans(env: NodeJS.ProcessEnv = process.env): Means {
  return {
    secret: (name) => Promise.resolve(env[name]),
    readFile: (path, bytesMax) => readBounded(path, bytesMax),
  };
}

async function readBounded(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > bytesMax) throw new Error(`it is longer than ${formatBytes(bytesMax)}`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? (thrown instanceof Error ? thrown.message : String(thrown));
    throw new PropagitError("TASK_FAILED", `${path} cannot be read: ${reason}`, { cause: thrown });
  }
}

/** A host to be looked at, and no more. @throws HOST_LOST, HOST_DENIED */
export function hostView(host: Host): HostView {
  return {
    async linkTarget(path) {
      const { code, output } = await host.execute(["readlink", "--", path]);
      return code === 0 ? output.replace(/\n$/, "") : undefined;
    },
  };
}
