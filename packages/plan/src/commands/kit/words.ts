/** Shapes of what the arguments of several commands are. */
import { quote } from "@propagit/protocol";
import { described, mapped, parsed, text, withDefault, yesNo } from "@propagit/shapes";
import type { Result, Shape } from "@propagit/shapes";

/**
 * A path at the host: absolute, or below the home of whoever does it there. Without `..`, which means one
 * place to who reads it and another where a link is on the way; what is written twice or at the end is taken away.
 */
export const hostPath: Shape<string> = mapped(
  text({
    wanted: "a path",
    max: 4_096,
    pattern: "^(?:/[^]*|~|~/[^]*)$",
    why: "is not an absolute path, such as /srv/app or ~/app",
  }),
  (written, at, where, problems) => {
    const parts = written.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) problems.add(at, `\`${where}\` ${quote(written)} has \`..\` in it`);
    const path = parts.join("/");
    return written.startsWith("~") ? path : `/${path}`;
  },
);

/** `644`, `0644`, `"2755"`. */
export const fileMode: Shape<number> = parsed(
  "a mode such as 0644",
  { type: ["string", "integer"], pattern: "^0?[0-7]{3,4}$" },
  ({ source }): Result<number> =>
    /^0?[0-7]{3,4}$/.test(source)
      ? { ok: true, value: Number.parseInt(source, 8) }
      : { ok: false, why: "is not a mode such as 0644" },
);

/** `deploy` or `deploy:www`. */
export const owner = text({
  wanted: "an owner",
  max: 130,
  pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$",
  why: "is not an owner such as deploy or deploy:www",
});

export const sudo = described(
  "true: as root, by sudo, which may not ask for a password (false).",
  withDefault(yesNo, false),
);

/** An address, or `$NAME` for the secret of that name. */
export const secretUrl = text({
  wanted: "an address",
  max: 2_000,
  pattern: "^(?:\\$[A-Z][A-Z0-9_]*|https?://[^\\s]+)$",
  why: "is neither http://… nor https://… nor $NAME, the name of a secret",
});

export const secretName = text({
  wanted: "the name of a secret",
  max: 200,
  pattern: "^\\$[A-Z][A-Z0-9_]*$",
  why: "is not $NAME, the name of a secret: what is secret is in no plan",
});

/** In octal, as scripts take it; empty: not said. */
export function modeWord(mode: number | undefined): string {
  return mode === undefined ? "" : mode.toString(8);
}

/** A path or a word as people read it in a sentence. */
export function shown(word: string): string {
  return /^[\w./~@%+:=-]+$/.test(word) ? word : quote(word);
}
