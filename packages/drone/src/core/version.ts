/** The version of a checkout, as its package.json says it. */
import { parseJson, quote } from "@propagit/protocol";

const versionDefault = "0.0.0";

/** The grammar of semver.org, section "Is there a suggested regular expression". */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;
/** The longest version a registry record takes. */
const versionCharsMax = 64;

export interface ManifestVersion {
  readonly version: string;
  /** Why the version in the file is not used. */
  readonly warning?: string;
}

/** @param manifest the text of package.json; undefined when there is none */
export function versionOf(manifest: string | undefined): ManifestVersion {
  if (manifest === undefined) return { version: versionDefault };
  const parsed = parseJson(manifest);
  if (typeof parsed !== "object" || parsed === null) return unusable("package.json is not JSON");
  const { version } = parsed as { version?: unknown };
  if (version === undefined) return { version: versionDefault };
  if (typeof version !== "string") return unusable("the version in package.json is not a text");
  if (version.length <= versionCharsMax && semver.test(version)) return { version };
  return unusable(`the version ${quote(version)} in package.json is not a semantic version`);
}

function unusable(reason: string): ManifestVersion {
  return { version: versionDefault, warning: `${reason}; registering as ${versionDefault}` };
}
