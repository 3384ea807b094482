/** The step `setup-program`: the program of this very version is there, and `next-current` leads to it. */
import { defineCommand, type CommandContext } from "@propagit/plan";
import { formatBytes, PropagitError } from "@propagit/protocol";
import { described, object, text, withDefault, yesNo } from "@propagit/shapes";
import { version } from "../version.js";
import { programArchive } from "./archives.js";
import { bring } from "./bring.js";
import { once } from "./once.js";
import { askThere, failure, leadLink, placeOf, type Place } from "./there.js";
import { compareVersions } from "./versions.js";

const args = object(
  {
    version: described("Of the program that is brought.", text({ max: 100, wanted: "a version" })),
    force: described("true: also an older one.", withDefault(yesNo, false)),
  },
  ["version"],
);

const timeoutMs = 30 * 60_000;

export function programStep() {
  const archive = once(programArchive);
  return defineCommand({
    name: "setup-program",
    summary: "Brings the program.",
    args,
    timeoutMs,
    describe: (wanted) => `would bring propagit ${wanted.version}, unless it is there`,
    async run({ version: wanted, force }, context) {
      refuseOther(wanted);
      const place = await placeOf(context);
      const there = await versionThere(context, place);
      if (there !== "" && compareVersions(there, wanted) > 0 && !force) {
        throw failure(
          context,
          `it has propagit ${there}, which is newer than ${wanted}`,
          "set it up from a machine with that version, or go back to the older one with --force",
        );
      }
      const { name, bytes, sum, sumsSum } = await archive();
      const link = `${place.base}/next-current`;
      const note =
        there === "" || there === wanted ? `propagit ${wanted}` : `${there} to ${wanted}`;
      if (await isWhole(context, place, { name, sumsSum })) {
        return { outcome: await leadLink(context, link, name), note };
      }
      context.say(`brings propagit ${wanted}, ${formatBytes(bytes.length)}`);
      const from = { kind: "bytes", archive: bytes } as const;
      const what = `propagit ${wanted}`;
      await bring(context, place, { name, what, from, sum, format: "tar.gz", check: "sums" });
      await leadLink(context, link, name);
      return { outcome: "done", note };
    },
    example: { version },
  });
}

/** A plan that is resumed by another version than the one that made it. */
function refuseOther(wanted: string): void {
  if (wanted === version) return;
  throw new PropagitError(
    "TASK_FAILED",
    `the plan brings propagit ${wanted}, and this is ${version}`,
    {
      hint: "begin anew: propagit setup",
    },
  );
}

/** Of the program that its drone was started with last; empty: none. */
async function versionThere(context: CommandContext, { base }: Place): Promise<string> {
  const said = await askThere(context, {
    text: `sed -n 's/^ *"version": "\\([^"]*\\)".*/\\1/p' "$1/current/package.json" 2>/dev/null | head -n 1`,
    args: [base],
  });
  return said.trim();
}

const wholeScript = `cd -- "$1/$2" 2>/dev/null || exit 0
[ -f SHA256SUMS ] || exit 0
found=$(sha256sum <SHA256SUMS)
[ "\${found%% *}" = "$3" ] && sha256sum -c SHA256SUMS >/dev/null 2>&1 && echo whole
exit 0
`;

/** Each of its files is what it should be. */
async function isWhole(
  context: CommandContext,
  { base }: Place,
  { name, sumsSum }: { readonly name: string; readonly sumsSum: string },
): Promise<boolean> {
  const said = await askThere(context, { text: wholeScript, args: [base, name, sumsSum] });
  return said.trim() === "whole";
}
