/** What a service's limits come to on a machine that can enforce some of them. */
import type { Limits } from "@propagit/protocol";

/** What this machine can enforce. */
export interface Abilities {
  /** Memory of all processes of an instance together, by a control group. */
  readonly memory: boolean;
  readonly cpu: boolean;
  /** Open files that the drone may allow at most; undefined without a bound. */
  readonly filesMax: number | undefined;
}

export interface LimitPlan {
  readonly memoryBytes: number | undefined;
  readonly cpuPercent: number | undefined;
  readonly files: number | undefined;
  /** Why the others are not enforced, a sentence's part for each. */
  readonly missing: readonly string[];
}

/**
 * The shell's `ulimit -v` is no substitute for a limit on memory: it counts addresses, of which Node and
 * Java reserve gigabytes that they never use.
 */
export function planLimits(limits: Limits, abilities: Abilities): LimitPlan {
  const { memoryBytes, cpuPercent, files } = limits;
  const missing: string[] = [];
  const hasMemory = memoryBytes === undefined || abilities.memory;
  const hasCpu = cpuPercent === undefined || abilities.cpu;
  const hasFiles = files === undefined || files <= (abilities.filesMax ?? Infinity);
  if (!hasMemory) missing.push("memory (there is no control group that the drone may write to)");
  if (!hasCpu) missing.push("cpu (there is no control group that the drone may write to)");
  if (!hasFiles) missing.push(`files (the drone itself may open ${abilities.filesMax} at most)`);
  return {
    memoryBytes: hasMemory ? memoryBytes : undefined,
    cpuPercent: hasCpu ? cpuPercent : undefined,
    files: hasFiles ? files : undefined,
    missing,
  };
}
