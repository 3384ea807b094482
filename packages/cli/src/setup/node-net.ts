/**
 * Node from the net, got by the host itself: from nodejs.org, else from the npm registry. What it should be is asked
 * first, and what comes is checked against that before it is unpacked.
 */
import { lastLine, type CommandContext } from "@propagit/plan";
import { parseJson } from "@propagit/protocol";
import type { Brought } from "./bring.js";
import { failure, tryThere } from "./there.js";

/** Where Nodes are, for mirrors. */
export interface NodeSites {
  /** As NODEJS_ORG_MIRROR has it for other tools. */
  readonly nodejs: string;
  readonly registry: string;
}

export const nodeSites: NodeSites = {
  nodejs: "https://nodejs.org/dist",
  registry: "https://registry.npmjs.org",
};

export interface WantedNode {
  readonly version: string;
  readonly arch: string;
}

type Found = Pick<Brought, "from" | "sum">;

/** @throws TASK_FAILED with what each of them said */
export async function nodeOnNet(
  context: CommandContext,
  wanted: WantedNode,
  sites: NodeSites,
): Promise<Found> {
  const official = await fromNodejs(context, wanted, sites.nodejs);
  if ("sum" in official) return official;
  context.say(`${sites.nodejs}: ${official.why}; asks ${sites.registry}`);
  const published = await fromRegistry(context, wanted, sites.registry);
  if ("sum" in published) return published;
  const both = `${sites.nodejs}: ${official.why}; ${sites.registry}: ${published.why}`;
  throw failure(
    context,
    `Node ${wanted.version} for ${wanted.arch} cannot be got from the net (${both})`,
    "give one: --node=FILE.tar.xz, an archive for that machine from nodejs.org",
  );
}

interface NotFound {
  readonly why: string;
}

async function fromNodejs(
  context: CommandContext,
  { version, arch }: WantedNode,
  site: string,
): Promise<Found | NotFound> {
  const file = `node-v${version}-linux-${arch}.tar.gz`;
  const sums = await fetchThere(context, `${site}/v${version}/SHASUMS256.txt`);
  if (typeof sums !== "string") return sums;
  const line = sums.split("\n").find((one) => one.endsWith(`  ${file}`));
  const sum = /^[0-9a-f]{64}/.exec(line ?? "")?.[0];
  if (sum === undefined) return { why: `it has no ${file}` };
  return { from: { kind: "url", url: `${site}/v${version}/${file}` }, sum };
}

/** The package `node-linux-ARCH` holds the official program. */
async function fromRegistry(
  context: CommandContext,
  { version, arch }: WantedNode,
  site: string,
): Promise<Found | NotFound> {
  const name = `node-linux-${arch}`;
  const text = await fetchThere(context, `${site}/${name}/${version}`);
  if (typeof text !== "string") return text;
  const { dist } = (parseJson(text) ?? {}) as {
    readonly dist?: { readonly tarball?: unknown; readonly integrity?: unknown };
  };
  const { tarball: url, integrity } = dist ?? {};
  const code = typeof integrity === "string" ? /^sha512-(\S+)$/.exec(integrity)?.[1] : undefined;
  if (typeof url !== "string" || code === undefined) return { why: `it has no ${name}@${version}` };
  return { from: { kind: "url", url }, sum: Buffer.from(code, "base64").toString("hex") };
}

const fetchScript = `if command -v curl >/dev/null; then curl -fsSL --connect-timeout 20 --max-time 60 -- "$1"
elif command -v wget >/dev/null; then wget -q -T 20 -O - -- "$1"
else fail "there is neither curl nor wget"
fi
`;

async function fetchThere(context: CommandContext, url: string): Promise<string | NotFound> {
  const ended = await tryThere(context, { text: fetchScript, args: [url] });
  return ended.code === 0 ? ended.output : { why: lastLine(ended) };
}
