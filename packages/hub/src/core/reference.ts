/**
 * How a user names a commit, and in which order the ways are tried:
 *
 *     full hash > HEAD > branch > tag > unique prefix of a hash (4 characters or more)
 *
 * A name comes before a prefix, as in git itself: a branch `beef` is found although a commit may begin so.
 */
import { PropagitError, quote } from "@propagit/protocol";

export type Reference =
  | { readonly kind: "hash"; readonly hash: string }
  | {
      readonly kind: "named";
      /** Full ref names, in the order to try. */
      readonly refs: readonly string[];
      /** What to look for among hashes when no ref has that name. */
      readonly prefix: string | undefined;
    };

/** @throws NO_COMMIT when the text can be neither a hash nor the name of a ref */
export function parseReference(text: string): Reference {
  const lower = text.toLowerCase();
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(lower)) return { kind: "hash", hash: lower };
  if (!isRefName(text)) {
    throw new PropagitError("NO_COMMIT", `${quote(text)} is not a commit, branch or tag`, {
      hint: "write a full hash, at least 4 characters of one, a branch or a tag; not `name~1`",
    });
  }
  const prefix = /^[0-9a-f]{4,63}$/.test(lower) ? lower : undefined;
  return { kind: "named", refs: fullNames(text), prefix };
}

function fullNames(text: string): readonly string[] {
  if (text === "HEAD") return ["HEAD"];
  if (/^refs\/(?:heads|tags)\//.test(text)) return [text];
  const shortened = /^(?:heads|tags)\//.test(text) ? [`refs/${text}`] : [];
  return [`refs/heads/${text}`, `refs/tags/${text}`, ...shortened];
}

/** The rules of `git check-ref-format` that keep a name from meaning something else to git. */
function isRefName(text: string): boolean {
  if (text.length === 0 || text.length > 250) return false;
  if (/[\s~^:?*[\\\p{Cc}]/u.test(text)) return false;
  if (text.startsWith("-") || text.startsWith("/") || text.endsWith("/")) return false;
  if (/\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)/.test(text)) return false;
  return text !== "@" && !text.startsWith(".") && !text.endsWith(".");
}
