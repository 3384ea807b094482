/** The step `setup-node`: a Node that is new enough is there, and `next-node` leads to it. */
import { existsSync, statSync } from "node:fs";
import { defineCommand, type CommandContext, type CommandEnd } from "@propagit/plan";
import { PropagitError, quote } from "@propagit/protocol";
import { described, object, text } from "@propagit/shapes";
import { fileArchive, folderArchive, ownNodeArchive, type Archive } from "./archives.js";
import { bring, type Brought } from "./bring.js";
import { factsOf, type HostFacts } from "./host-facts.js";
import { archOf, chooseNode, type OwnNode } from "./node-choice.js";
import { nodeOnNet, nodeSites, type NodeSites } from "./node-net.js";
import { once } from "./once.js";
import { failure, leadLink, placeOf, type Place } from "./there.js";
import { compareVersions, nodeVersionMin } from "./versions.js";

/** 100 MB may have a long way to go. */
const timeoutMs = 60 * 60_000;

const args = object(
  {
    node: described(
      "A file (.tar.xz, .tar.gz, .tar) or folder with a Node.",
      text({ max: 4_096, wanted: "a path" }),
    ),
    nodejs: described("Instead of https://nodejs.org/dist.", text({ max: 2_000 })),
    registry: described("Instead of https://registry.npmjs.org.", text({ max: 2_000 })),
  },
  [],
);

type Sites = { readonly nodejs?: string; readonly registry?: string };

export function nodeStep() {
  // For all hosts together: 100 MB are packed once.
  const own = once(ownNodeArchive);
  const given = once(givenNode);
  return defineCommand({
    name: "setup-node",
    summary: "Sees to a Node that is new enough.",
    args,
    timeoutMs,
    describe: ({ node }) =>
      node === undefined
        ? `would bring a Node, unless there is one >= ${nodeVersionMin}`
        : `would bring the Node of ${node}`,
    async run({ node, ...sites }, context) {
      const place = await placeOf(context);
      if (node !== undefined) {
        return useBrought(context, place, await given(node), formatOf(node));
      }
      return seeTo(context, place, { sites, own });
    },
    example: {},
  });
}

async function seeTo(
  context: CommandContext,
  place: Place,
  { sites, own }: { readonly sites: Sites; readonly own: () => Promise<Archive> },
): Promise<CommandEnd> {
  const facts = await factsOf(context, place);
  const choice = chooseNode(facts, ownNode());
  if (choice.kind === "there") {
    const { prefix, version } = choice.node;
    const to = prefix.startsWith(`${place.base}/`) ? prefix.slice(place.base.length + 1) : prefix;
    const outcome = await leadLink(context, `${place.base}/next-node`, to);
    return { outcome, note: `Node ${version} in ${prefix}` };
  }
  if (choice.kind === "own") {
    context.say(`${choice.why}: brings that of this machine, ${process.version.slice(1)}`);
    const archive = await own();
    const why = await tryBrought(context, place, archive);
    if (why === undefined) return { outcome: "done", note: `Node ${process.version.slice(1)}` };
    context.say(`the Node of this machine does not run there: ${why}`);
  } else context.say(choice.why);
  return bringFromNet(context, place, facts, { ...nodeSites, ...sites });
}

async function bringFromNet(
  context: CommandContext,
  place: Place,
  facts: HostFacts,
  sites: NodeSites,
): Promise<CommandEnd> {
  const version = process.version.slice(1);
  const arch = archOf(facts.machine);
  if (arch === undefined || facts.libc === "musl") {
    const kind = arch === undefined ? facts.machine : `${facts.machine} with musl`;
    throw failure(
      context,
      `nobody publishes a Node for ${kind}`,
      "install one there, or give one: --node=FILE.tar.xz",
    );
  }
  const found = await nodeOnNet(context, { version, arch }, sites);
  if (found.from.kind === "url") context.say(`gets ${found.from.url}`);
  const name = `node-${version}-${found.sum.slice(0, 12)}`;
  const why = await bringOne(context, place, {
    ...found,
    name,
    what: `Node ${version}`,
    format: "tar.gz",
    check: "node",
  });
  if (why === undefined) return { outcome: "done", note: `Node ${version} from the net` };
  throw failure(
    context,
    `Node ${version} does not run there: ${why}`,
    "give one that does: --node=FILE.tar.xz; unofficial-builds.nodejs.org has some for old systems",
  );
}

/** What was given, unless it is there already. */
async function useBrought(
  context: CommandContext,
  place: Place,
  archive: Archive,
  format: Brought["format"],
): Promise<CommandEnd> {
  const { nodes } = await factsOf(context, place);
  const there = nodes.find(({ prefix }) => prefix === `${place.base}/${archive.name}`);
  if (there) {
    return {
      outcome: await leadLink(context, `${place.base}/next-node`, archive.name),
      note: `Node ${there.version} as given`,
    };
  }
  context.say(`brings the Node that was given, ${Math.ceil(archive.bytes.length / 1e6)} MB`);
  const why = await tryBrought(context, place, archive, format);
  if (why === undefined) return { outcome: "done", note: "the Node that was given" };
  throw failure(
    context,
    `the Node that was given does not run there: ${why}`,
    "give one for that machine, or leave out --node",
  );
}

/** Why it does not run there; undefined when it does. */
function tryBrought(
  context: CommandContext,
  place: Place,
  { name, bytes, sum }: Archive,
  format: Brought["format"] = "tar.gz",
): Promise<string | undefined> {
  const from = { kind: "bytes", archive: bytes } as const;
  return bringOne(context, place, { name, what: "Node", from, sum, format, check: "node" });
}

async function bringOne(
  context: CommandContext,
  place: Place,
  brought: Brought,
): Promise<string | undefined> {
  const end = await bring(context, place, brought);
  if (end.kind === "does-not-run") return end.why;
  if (compareVersions(end.said, nodeVersionMin) < 0) {
    return `it is ${end.said}, and ${nodeVersionMin} is needed`;
  }
  await leadLink(context, `${place.base}/next-node`, brought.name);
  return undefined;
}

function givenNode(path: string): Promise<Archive> {
  if (!existsSync(path)) {
    throw new PropagitError("BAD_USAGE", `--node: there is no ${quote(path)} on this machine`);
  }
  return statSync(path).isDirectory() ? folderArchive(path) : fileArchive(path);
}

/** Of a folder, it is ours. */
function formatOf(path: string): Brought["format"] {
  if (/\.tar\.xz$|\.txz$/i.test(path)) return "tar.xz";
  return /\.tar$/i.test(path) ? "tar" : "tar.gz";
}

function ownNode(): OwnNode {
  const { header } = process.report.getReport() as {
    readonly header: { readonly glibcVersionRuntime?: string };
  };
  const libc = header.glibcVersionRuntime === undefined ? "musl" : "glibc";
  return { platform: process.platform, arch: process.arch, libc };
}
