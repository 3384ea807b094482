/**
 * What a repository says of itself, out of the files of a commit.
 *
 * The first of `manifestFiles` that is there counts; a propagit.yaml without `services` takes those of the
 * next. Everything is checked for every environment that is named, at once, so that a push is refused
 * rather than the first deploy to production.
 */
import { assert, type Specification, suggestion } from "@propagit/protocol";
import {
  formatProblem,
  isNull,
  isTooLong,
  mapAt,
  overridden,
  Problems,
  readYaml,
  type Located,
  type LocatedMap,
  type Problem,
} from "@propagit/shapes";
import { badManifest } from "./core/bad-manifest.js";
import { deployShape, environmentShape } from "./core/language.js";
import { manifestLimits } from "./core/limits.js";
import { readPackageJson } from "./core/package-json.js";
import { readProcfile } from "./core/procfile.js";
import { specify } from "./core/specify.js";
import { environmentName } from "./core/words.js";

/** Files that may say what a repository consists of; the first that is there counts. */
export const manifestFiles = ["propagit.yaml", "propagit.yml", "Procfile", "package.json"] as const;
type ManifestFile = (typeof manifestFiles)[number];

/** Where commits go that say nothing else. */
export const productionEnvironment = "production";

/** Where a push to a branch goes. */
export interface BranchRule {
  readonly branch: string;
  readonly environment: string;
  /** Default: as the specification of that environment says. */
  readonly promote: boolean | undefined;
}

/** A manifest that was read and is right; `specificationOf` gives it for one environment. */
export interface Manifest {
  /** Which file it came from; undefined when none says anything. */
  readonly source: ManifestFile | undefined;
  readonly branches: readonly BranchRule[];
  /** Environments it names; `production` is always there. */
  readonly environments: readonly string[];
  /** What is allowed but probably not meant, as `file:line:column: sentence`. */
  readonly warnings: readonly string[];
  /** For the environments that it names. */
  readonly specifications: ReadonlyMap<string, Specification>;
  /** For any other. */
  readonly common: Specification;
}

/** What was found in the files: a manifest, or why there is none. */
export type CheckedManifest =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * @param files texts by path, of those of `manifestFiles` that the commit has
 * @throws BAD_MANIFEST with file, line and column of everything that is wrong
 *
 * @example
 * const manifest = readManifest(new Map([["Procfile", "web: node web.js\n"]]));
 * specificationOf(manifest, "production").services[0]?.name;
 */
export function readManifest(files: ReadonlyMap<string, string>): Manifest {
  const checked = checkManifest(files);
  if (checked.ok) return checked.manifest;
  throw badManifest(checked.problems);
}

/** As `readManifest`, with the problems as values. */
export function checkManifest(files: ReadonlyMap<string, string>): CheckedManifest {
  const warnings: string[] = [];
  const own = manifestFiles.slice(0, 2).find((file) => files.has(file));
  const other = readOther(files, warnings);
  if (own !== undefined) return checkOwn(own, files.get(own) ?? "", { other, warnings });
  if (other === undefined) return { ok: true, manifest: { ...nothingSaid, warnings } };
  if (!other.map) return { ok: false, problems: other.problems.all };
  return finish({
    source: other.file,
    problems: other.problems,
    common: other.map,
    environments: new Map(),
    branches: [],
    warnings,
  });
}

/** What holds for an environment, whether the manifest names it or not. */
export function specificationOf(manifest: Manifest, environment: string): Specification {
  return manifest.specifications.get(environment) ?? manifest.common;
}

/** Undefined: a push to that branch deploys nothing. */
export function environmentOfBranch(manifest: Manifest, branch: string): BranchRule | undefined {
  return manifest.branches.find((rule) => rule.branch === branch);
}

/** Whether an environment can have this name: it becomes part of host names. */
export function isEnvironmentName(name: string): boolean {
  return new RegExp(environmentName.pattern, "u").test(name);
}

/** Drones run commands of their own, visitors stay where they are, nothing is ever removed by itself. */
const nothing: Specification = { services: [], routes: [], promote: "first" };
const nothingSaid: Manifest = {
  source: undefined,
  branches: [],
  environments: [productionEnvironment],
  warnings: [],
  specifications: new Map([[productionEnvironment, nothing]]),
  common: nothing,
};

interface Other {
  readonly file: ManifestFile;
  readonly map: LocatedMap | undefined;
  readonly problems: Problems;
}

/** What a Procfile or package.json says. Checked by itself, as its places are of another text. */
function readOther(files: ReadonlyMap<string, string>, warnings: string[]): Other | undefined {
  const other = readProcfileOf(files) ?? readPackageOf(files, warnings);
  if (other?.map) environmentShape.read(other.map, "", other.problems);
  return other && { ...other, map: !other.problems.isEmpty ? undefined : other.map };
}

function readProcfileOf(files: ReadonlyMap<string, string>): Other | undefined {
  const text = files.get("Procfile");
  if (text === undefined) return undefined;
  const problems = new Problems("Procfile", text);
  const isLong = isTooLong(text, manifestLimits.charsMax, problems);
  const map = isLong ? undefined : readProcfile(text, problems);
  return { file: "Procfile", map, problems };
}

function readPackageOf(files: ReadonlyMap<string, string>, warnings: string[]): Other | undefined {
  const text = files.get("package.json");
  // Long ones exist, and nobody wrote them for us: what they start is then unknown, not wrong.
  if (text === undefined || text.length > manifestLimits.charsMax) return undefined;
  const map = readPackageJson(text);
  if (map === "broken") warnings.push("package.json:1:1: is not JSON, so its `start` is not known");
  if (map === undefined || map === "broken") return undefined;
  return { file: "package.json", map, problems: new Problems("package.json", text) };
}

interface Beside {
  readonly other: Other | undefined;
  readonly warnings: string[];
}

function checkOwn(file: ManifestFile, text: string, { other, warnings }: Beside): CheckedManifest {
  const problems = new Problems(file, text);
  const root = readYaml(text, problems, manifestLimits);
  if (!root) return { ok: false, problems: problems.all };
  if (root.kind !== "map" && !isNull(root)) {
    problems.add(root.at, "is not a map; it begins with a key such as `services:`");
    return { ok: false, problems: problems.all };
  }
  const map = root.kind === "map" ? root : mapAt(0, []);
  const { own, environments, deploy } = parted(map, problems);
  const takesOther = other && !map.entries.has("services");
  if (takesOther && !other.map) return { ok: false, problems: other.problems.all };
  const common = takesOther && other.map ? overridden(environmentShape, other.map, own) : own;
  return finish({
    source: file,
    problems,
    common,
    environments,
    branches: readBranches(deploy, problems),
    warnings,
  });
}

/** What differs between environments, and what is said once for the repository. */
function parted(map: LocatedMap, problems: Problems) {
  // Read by whoever pushes files over them, from where he stands; a release has nothing to do with them.
  const {
    environments,
    deploy,
    targets: _targets,
    relays: _relays,
    ...own
  } = Object.fromEntries(map.entries);
  const named = new Map<string, Located>();
  if (environments && environments.value.kind !== "map") {
    problems.add(environments.value.at, "`environments` is not a map of environments by name");
  } else if (environments?.value.kind === "map") {
    for (const [name, { keyAt, value }] of environments.value.entries) {
      if (!isEnvironmentName(name))
        problems.add(keyAt, `\`${name.slice(0, 60)}\` ${environmentName.why}`);
      named.set(name, value);
    }
    if (named.size > environmentName.max) {
      problems.add(
        environments.keyAt,
        `\`environments\` has more than ${environmentName.max} entries`,
      );
    }
  }
  return {
    own: mapAt(map.at, Object.entries(own)),
    environments: named,
    deploy: deploy?.value,
  };
}

interface PlacedRule extends BranchRule {
  readonly at: number;
}

function readBranches(deploy: Located | undefined, problems: Problems): readonly PlacedRule[] {
  if (!deploy) return [];
  const rules = deployShape.read(deploy, "deploy", problems) ?? new Map<string, never>();
  return [...rules].map(([branch, { value }]) => ({
    branch,
    environment: value.environment.value,
    promote: value.promote,
    at: value.environment.at,
  }));
}

interface Parts {
  readonly source: ManifestFile;
  readonly problems: Problems;
  readonly common: LocatedMap;
  readonly environments: ReadonlyMap<string, Located>;
  readonly branches: readonly PlacedRule[];
  readonly warnings: readonly string[];
}

function finish(parts: Parts): CheckedManifest {
  const { source, problems, environments, branches } = parts;
  const whole = read(parts.common, "", problems);
  const elsewhere = withoutRoutes(parts.common);
  const specifications = new Map<string, Specification | undefined>();
  for (const [name, over] of environments) {
    const base = name === productionEnvironment ? parts.common : elsewhere;
    specifications.set(name, readEnvironment(base, name, { over, problems }));
  }
  if (!problems.isEmpty) return { ok: false, problems: problems.all };
  assert(whole, "a manifest without problems was read");
  const common = { ...whole, routes: [] };
  const ofName = (name: string) =>
    specifications.get(name) ?? (name === productionEnvironment ? whole : common);
  const named = [
    productionEnvironment,
    ...environments.keys(),
    ...branches.map((one) => one.environment),
  ];
  return {
    ok: true,
    manifest: {
      source,
      branches: branches.map(({ branch, environment, promote }) => ({
        branch,
        environment,
        promote,
      })),
      environments: [...new Set(named)],
      warnings: [...parts.warnings, ...unlikelyEnvironments(parts)],
      specifications: new Map([...new Set(named)].map((name) => [name, ofName(name)])),
      common,
    },
  };
}

/** A host leads to one environment: what the top of the file says of hosts is production's. */
function withoutRoutes(common: LocatedMap): LocatedMap {
  return mapAt(
    common.at,
    [...common.entries].filter(([key]) => key !== "routes"),
  );
}

function readEnvironment(
  common: LocatedMap,
  name: string,
  { over, problems }: { readonly over: Located; readonly problems: Problems },
): Specification | undefined {
  if (isNull(over)) return undefined;
  if (over.kind !== "map") {
    problems.add(over.at, `\`environments.${name}\` is not a map of what differs there`);
    return undefined;
  }
  return read(overridden(environmentShape, common, over, `environments.${name}`), "", problems);
}

function read(map: LocatedMap, where: string, problems: Problems): Specification | undefined {
  const written = environmentShape.read(map, where, problems);
  return written && specify(written, problems);
}

/** An environment that only a branch names and that looks like another one was probably mistyped. */
function unlikelyEnvironments({ source, problems, environments, branches }: Parts): string[] {
  const declared = new Set([productionEnvironment, ...environments.keys()]);
  const warned = new Problems(source, problems.text);
  for (const { environment, at } of branches) {
    const hint = declared.has(environment) ? "" : suggestion(environment, declared);
    if (hint !== "") warned.add(at, `environment \`${environment}\` is named nowhere else${hint}`);
  }
  return warned.all.map(formatProblem);
}
