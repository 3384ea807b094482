/**
 * Where targets are defined: files that are named, else the propagit.yaml of this folder.
 *
 *     --targets=targets.json                      what the names mean for whoever pushes
 *     --targets=dc2-head=dc2/targets.json         what they mean where dc2-head hands on
 */
import { existsSync } from "node:fs";
import { checkRelays, readTargets, withRelay, type ReadTargets } from "@propagit/plan";
import { parseDroneName, PropagitError } from "@propagit/protocol";
import type { Command } from "commander";
import { asRepeatedFlag } from "../flags.js";
import { readTextFile } from "../plans/read-text.js";

interface TargetsFile {
  readonly file: string;
  /** The drone whose file it is; undefined for whoever pushes. */
  readonly relay?: string;
}

export interface TargetsFlags {
  readonly targets?: readonly TargetsFile[];
}

const usualFiles = ["propagit.yaml", "propagit.yml"] as const;

export function withTargetsFlag(command: Command): Command {
  return command.option(
    "--targets <[relay=]file>",
    "where targets are defined (propagit.yaml): YAML, or a targets.json of deploy-in-stages; may be repeated",
    asRepeatedFlag(parseTargetsFile),
  );
}

/** Undefined when nothing defines any. @throws BAD_TARGET with all that is wrong, BAD_USAGE */
export function findTargets({ targets = [] }: TargetsFlags): ReadTargets | undefined {
  const own = targets.filter(({ relay }) => relay === undefined);
  if (own.length > 1) {
    throw new PropagitError("BAD_USAGE", `targets are to come from ${own.length} files`, {
      hint: "name one, and those of machines that hand on as --targets=MACHINE=FILE",
    });
  }
  const file = own[0]?.file ?? usualFiles.find((name) => existsSync(name));
  const first = file === undefined ? undefined : readFile(file);
  const relays = targets.flatMap(({ relay, file: path }) =>
    relay === undefined
      ? []
      : [{ relay, place: `--targets=${relay}=${path}`, own: readFile(path) }],
  );
  if (!first && relays.length === 0) return undefined;
  const found = relays.reduce((all, one) => withRelay(all, one, one.own), first ?? none);
  checkRelays(found);
  return found;
}

const none: ReadTargets = {
  book: { targets: new Map(), relays: new Map() },
  placeOf: () => undefined,
  relayPlaceOf: () => undefined,
};

function readFile(file: string): ReadTargets {
  return readTargets({ file, text: readTextFile(file) });
}

/** A file whose name has a `=` is written with a folder before it: `./a=b.yaml`. */
function parseTargetsFile(text: string): TargetsFile {
  const at = text.indexOf("=");
  if (at < 1 || text.slice(0, at).includes("/")) return { file: text };
  return { relay: parseDroneName(text.slice(0, at)), file: text.slice(at + 1) };
}
