/** Packages by the names of their files: `web-frontend-1.2.3.tar.gz` is 1.2.3 of web-frontend. */

export interface NamedPackage {
  readonly service: string;
  readonly version: string;
}

const ending = /\.(?:tar|tar\.gz|tgz|tar\.xz|tar\.zst|zip|war|jar)$/;
const word = /^[A-Za-z0-9_][A-Za-z0-9._+~-]*$/;

export function isPackageFile(name: string): boolean {
  return ending.test(name);
}

/**
 * Undefined when it is no such name.
 *
 * @param services that are known: the longest that fits is meant; else the version begins with the first digit after
 *   a `-`
 */
export function packageNamed(
  file: string,
  services: readonly string[] = [],
): NamedPackage | undefined {
  const name = file.replace(ending, "");
  const known = services
    .filter((service) => name.startsWith(`${service}-`))
    .toSorted((left, right) => right.length - left.length)[0];
  const at = known === undefined ? name.search(/-[0-9]/) : known.length;
  const found = { service: name.slice(0, Math.max(0, at)), version: name.slice(at + 1) };
  return at > 0 && word.test(found.service) && word.test(found.version) ? found : undefined;
}
