/** How large a plan may be. */
import type { Limits } from "@propagit/shapes";

/** In all stages, with those of its rollback; a run keeps something for each of them in memory. */
export const tasksMax = 100_000;
export const stagesMax = 10_000;

const valuesMax = 1_000_000;
/** Arguments of a task may be deep; nothing that people mean is deeper. */
const depthMax = 50;

/** 64 MiB: 100,000 tasks of 600 characters. */
export const jsonLimits: Limits = { charsMax: 64 * 1024 ** 2, valuesMax, depthMax };

/**
 * YAML is for what people write. Its parser needs 1.1 s of a processor for 10,000 tasks (1.3 MB), where JSON needs
 * 0.09 s, and for the worst that fits in here 5.7 s (measured).
 */
export const yamlLimits: Limits = { charsMax: 1024 ** 2, valuesMax, depthMax };
