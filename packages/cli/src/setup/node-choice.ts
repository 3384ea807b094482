/**
 * Where the Node of a host comes from: what was given, else what is there and new enough, else this machine's own
 * where it can run there, else the net.
 */
import type { FarNode, HostFacts } from "./host-facts.js";
import { compareVersions, nodeVersionMin } from "./versions.js";

/** Of the machine in front of the user. */
export interface OwnNode {
  /** As Node names them. */
  readonly platform: string;
  readonly arch: string;
  readonly libc: "glibc" | "musl";
}

export type NodeChoice =
  | { readonly kind: "there"; readonly node: FarNode }
  /** @param why what is there is not used */
  | { readonly kind: "own"; readonly why: string }
  | { readonly kind: "net"; readonly why: string };

export function chooseNode(facts: HostFacts, own: OwnNode): NodeChoice {
  const node = facts.nodes.find(({ version }) => compareVersions(version, nodeVersionMin) >= 0);
  if (node) return { kind: "there", node };
  const [old] = facts.nodes;
  const why = old
    ? `Node ${old.version} is older than ${nodeVersionMin}`
    : "there is no Node that runs";
  const differs = whyNotOwn(facts, own);
  if (differs === undefined) return { kind: "own", why };
  return { kind: "net", why: `${why}, and that of this machine ${differs}` };
}

function whyNotOwn({ system, machine, libc }: HostFacts, own: OwnNode): string | undefined {
  if (own.platform !== "linux" || system !== "Linux") return `is for ${own.platform}`;
  const arch = archOf(machine);
  if (arch !== own.arch) return `is for ${own.arch}, not ${machine}`;
  return libc === own.libc ? undefined : `is for ${own.libc}, not ${libc}`;
}

const archs: Readonly<Record<string, string>> = {
  x86_64: "x64",
  amd64: "x64",
  aarch64: "arm64",
  arm64: "arm64",
  armv7l: "armv7l",
  ppc64le: "ppc64le",
  s390x: "s390x",
};

/** As nodejs.org names processors; undefined where it has no Node for one. */
export function archOf(machine: string): string | undefined {
  return archs[machine];
}
