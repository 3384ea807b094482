/**
 * The artifact of a build as text for `git fast-import`: one commit on top of the one that was built, with
 * nothing in it that differs between two builds with the same output.
 */

/** Committer of artifacts; by it a checkout knows that bytes must come out as they went in. */
export const artifactEmail = "build@propagit.invalid";
const who = `propagit <${artifactEmail}>`;

export interface ArtifactHead {
  /** Where fast-import notes the commit. */
  readonly ref: string;
  /** The commit that was built. */
  readonly commit: string;
  /** Its committer's date in seconds since 1970. */
  readonly date: number;
}

/** Begins the commit, empty of files. */
export function encodeHead({ ref, commit, date }: ArtifactHead): string {
  const message = `Build of ${commit}\n`;
  return [
    `commit ${ref}`,
    "mark :1",
    `author ${who} ${date} +0000`,
    `committer ${who} ${date} +0000`,
    `data ${message.length}`,
    `${message}from ${commit}`,
    "deleteall\n",
  ].join("\n");
}

export type ArtifactMode = "100644" | "100755" | "120000";

/** Announces a file; as many bytes follow, then a line's end. The path has one character for each byte. */
export function encodeFile(mode: ArtifactMode, path: string, bytes: number): string {
  return `M ${mode} inline ${quotePath(path)}\ndata ${bytes}\n`;
}

/** Makes fast-import tell the commit's name, and know that nothing was cut off. */
export const importEnd = "get-mark :1\ndone\n";

/** In double quotes with octal escapes, as git reads any name. */
function quotePath(path: string): string {
  const quoted = path.replaceAll(/[^ -~]|["\\]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
  });
  return `"${quoted}"`;
}

/**
 * Whether git takes such a name for its own folder, on any machine: it refuses trees that have one. `name`
 * is one part of a path.
 */
export function isGitName(name: string): boolean {
  return /^(?:\.git|git~1)[. ]*(?::.*)?$/i.test(name);
}
