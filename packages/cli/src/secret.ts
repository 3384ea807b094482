/** Where the shared secret comes from: the flag, the environment, or a file; the first one wins. */
import { readFileSync } from "node:fs";
import { PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";

export interface SecretFlags {
  readonly secret?: string;
  readonly secretFile?: string;
}

/** @throws BAD_USAGE when it is empty or its file cannot be read */
export function findSecret(flags: SecretFlags, env = process.env): string | undefined {
  if (flags.secret !== undefined) return checked(flags.secret, "--secret");
  if (flags.secretFile !== undefined) return readSecret(flags.secretFile, "--secret-file");
  const { PROPAGIT_SECRET: secret, PROPAGIT_SECRET_FILE: file } = env;
  if (secret) return secret;
  return file ? readSecret(file, "PROPAGIT_SECRET_FILE") : undefined;
}

function readSecret(path: string, source: string): string {
  try {
    return checked(readFileSync(path, "utf8").trim(), `${source} ${path}`);
  } catch (thrown) {
    if (thrown instanceof PropagitError) throw thrown;
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("BAD_USAGE", `${source} ${path} cannot be read: ${reason}`, {
      cause: thrown,
    });
  }
}

function checked(secret: string, source: string): string {
  if (secret !== "") return secret;
  throw new PropagitError("BAD_USAGE", `${source} is empty`, {
    hint: "leave it out to work without one, or give a secret that nobody guesses",
  });
}
