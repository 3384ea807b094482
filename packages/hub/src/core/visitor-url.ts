/** Where visitors find a release, as far as the hub knows where its proxies are. */
import { environmentDefault, PropagitError, quote, shortCommit } from "@propagit/protocol";

export interface Visited {
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  /** Host names beside those made of repository, environment and commit. */
  readonly hosts: readonly string[];
  /** Visitors of its environment are sent there. */
  readonly promoted: boolean;
  /** Labels of branches that lead to it. */
  readonly branches?: readonly string[];
}

/** A deployment may have dozens of branches; a line has room for a few. */
const branchesShownMax = 3;

/**
 * With `http://example.com:8080`: `http://webapp.example.com:8080` and so on; without it only names that the
 * manifest says, which are whole.
 */
export function visitorUrls(visited: Visited, proxyUrl: string | undefined): readonly string[] {
  if (proxyUrl === undefined) return visited.promoted ? visited.hosts : [];
  const { repo, branches = [] } = visited;
  const { protocol, hostname, port } = new URL(proxyUrl);
  const suffix = port === "" ? "" : `:${port}`;
  const names = [
    ownName(visited),
    ...branches.slice(0, branchesShownMax).map((label) => `${label}--${repo}`),
  ].map((name) => `${name}.${hostname}`);
  const hosts = visited.promoted ? [...names, ...visited.hosts] : names;
  return [...new Set(hosts)].map((host) => `${protocol}//${host.replace(/(?=\/|$)/, suffix)}`);
}

/** @throws BAD_USAGE */
export function parseProxyUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.pathname === "/" && url.search === "" && url.username === "";
  if (url && isPlain && /^https?:$/.test(url.protocol)) return url.origin;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not where proxies are found`, {
    hint: "write it like --proxy-url=http://example.com:8080; repositories become names below it",
  });
}

/** `webapp`, `staging--webapp`, `74336bc--webapp`. */
function ownName({ repo, environment, commit, promoted }: Visited): string {
  if (!promoted) return `${shortCommit(commit)}--${repo}`;
  return environment === environmentDefault ? repo : `${environment}--${repo}`;
}
