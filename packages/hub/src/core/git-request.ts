/** What a request of git's smart HTTP protocol asks for, or why it is refused. */

/** The two halves of git's protocol: fetches and clones, pushes. */
export type GitService = "git-upload-pack" | "git-receive-pack";

export type GitRequest =
  /** Not git's business; somebody else may answer. */
  | { readonly kind: "other" }
  | { readonly kind: "refused"; readonly status: number; readonly message: string }
  /** What refs there are, and what the server can do. */
  | { readonly kind: "advertise"; readonly service: GitService; readonly repo: string }
  /** The exchange itself. */
  | { readonly kind: "exchange"; readonly service: GitService; readonly repo: string };

/**
 * Looks at method and raw URL. The path is not normalised: `..` stays what it is and fails as a name.
 * The repository's name is not checked here, since strangers are not told which names are good.
 */
export function parseGitRequest(method: string, url: string): GitRequest {
  const [path = "", query = ""] = url.split("?", 2);
  const match = /^\/(.+)\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(path);
  if (!match?.[1]) return { kind: "other" };
  const repo = decode(match[1]);
  if (repo === undefined) return refused(400, "the repository's name is not well encoded");
  if (match[2] === "info/refs") return advertisement(method, query, repo);
  if (method !== "POST") return refused(405, "git posts here");
  return { kind: "exchange", service: match[2] as GitService, repo };
}

/** Whether what the service says is in the second version of the protocol: pushes have none. */
export function speaksVersion2(service: GitService, protocol: string | undefined): boolean {
  return service === "git-upload-pack" && (protocol ?? "").split(":").includes("version=2");
}

/** What a client may say in `Git-Protocol`, which goes into git's environment; undefined for the rest. */
export function safeGitProtocol(header: string | undefined): string | undefined {
  return header !== undefined && /^[A-Za-z0-9=:.,_-]{1,200}$/.test(header) ? header : undefined;
}

function advertisement(method: string, query: string, repo: string): GitRequest {
  if (method !== "GET") return refused(405, "git gets this");
  const service = new URLSearchParams(query).get("service");
  if (service === "git-upload-pack" || service === "git-receive-pack") {
    return { kind: "advertise", service, repo };
  }
  if (service === null) return refused(403, "only git's smart HTTP protocol is spoken here");
  return refused(403, "there is no such git service here");
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function refused(status: number, message: string): GitRequest {
  return { kind: "refused", status, message };
}
