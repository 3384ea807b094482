/**
 * Names and ids: branded strings that only come out of their parser, so that nothing unchecked
 * reaches a path, a host name or a command line.
 */
import { PropagitError } from "./errors.js";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A repository's name: 1–50 characters, one path segment, usable in a DNS label beside a commit. */
export type RepoName = Branded<"RepoName">;
/** A full commit hash: 40 (SHA-1) or 64 (SHA-256) lower-case hex characters. */
export type CommitHash = Branded<"CommitHash">;
/** A service's name: 1–63 characters. */
export type ServiceName = Branded<"ServiceName">;
/** A drone's name, unique in its hub: 1–63 characters. */
export type DroneName = Branded<"DroneName">;

/** `--` separates commit and repository in a host name (`40548da--webapp.localhost`). */
const repoNamePattern = /^(?!.*--)[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/;
const commitPattern = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const wordPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const labelValuePattern = /^[A-Za-z0-9._-]{0,63}$/;

/**
 * A repository's name; a trailing `.git` is the same repository.
 *
 * @throws BAD_NAME
 */
export function parseRepoName(text: string): RepoName {
  const name = text.endsWith(".git") ? text.slice(0, -4) : text;
  // A second `.git` would make another name of it each time it is parsed.
  if (repoNamePattern.test(name) && !/\.\.|\.$|\.git$/.test(name)) {
    return name as RepoName;
  }
  throw new PropagitError("BAD_NAME", `repository name ${quote(text)} is not allowed`, {
    hint: "use 1 to 50 letters, digits, `.`, `_` or `-`, beginning with a letter or digit, without `--` and `..`",
  });
}

/** @throws NO_COMMIT when it is not 40 or 64 hex characters */
export function parseCommitHash(text: string): CommitHash {
  if (isCommitHash(text)) return text;
  throw new PropagitError("NO_COMMIT", `${quote(text)} is not a full commit hash`);
}

export function isCommitHash(text: string): text is CommitHash {
  return commitPattern.test(text);
}

/** @throws BAD_NAME */
export function parseServiceName(text: string): ServiceName {
  if (wordPattern.test(text)) return text as ServiceName;
  throw new PropagitError("BAD_NAME", `service name ${quote(text)} is not allowed`);
}

/** @throws BAD_NAME */
export function parseDroneName(text: string): DroneName {
  if (wordPattern.test(text)) return text as DroneName;
  throw new PropagitError("BAD_NAME", `drone name ${quote(text)} is not allowed`);
}

/**
 * One `key=value` label of a drone.
 *
 * @throws BAD_NAME
 */
export function parseLabel(text: string): { readonly key: string; readonly value: string } {
  const at = text.indexOf("=");
  const key = at < 0 ? text : text.slice(0, at);
  const value = at < 0 ? "" : text.slice(at + 1);
  if (at >= 0 && wordPattern.test(key) && labelValuePattern.test(value)) return { key, value };
  throw new PropagitError("BAD_NAME", `label ${quote(text)} is not of the form key=value`, {
    hint: "write it like --label role=web",
  });
}

/** Characters of a commit in host names, tables and messages; git itself starts at 7. */
const shortCommitLength = 7;

export function shortCommit(commit: string): string {
  return commit.slice(0, shortCommitLength);
}

/** Foreign text for a message: quoted, on one line, at most 80 characters. */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return JSON.stringify(shown);
}

/** A host and a port. `host` is a name, an IPv4 or an IPv6 address (without brackets). */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * `6001`, `localhost:6001`, `[::1]:6001`, also with `http://` in front; a port alone means localhost.
 *
 * @throws BAD_USAGE
 */
export function parseAddress(text: string): Address {
  const bare = text.replace(/^(?:http|ws):\/\//, "").replace(/\/$/, "");
  const match = /^(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):)?(\d{1,5})$/.exec(bare);
  const port = Number(match?.[2]);
  if (match && port >= 1 && port <= 65535) {
    const host = (match[1] ?? "localhost").replace(/^\[|\]$/g, "");
    return { host, port };
  }
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not an address`, {
    hint: "write it as host:port, for example localhost:6001",
  });
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a host is this machine's own loopback, where nobody else listens in. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
