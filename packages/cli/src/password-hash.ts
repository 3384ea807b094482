/**
 * What the hub and its proxies know of a password: `scrypt$N$r$p$SALT$KEY`, both base64url. It is made here,
 * so that no password ever travels.
 */
import { randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number }, Buffer>(
  (password, salt, bytes, options, done) => scrypt(password, salt, bytes, options, done),
);

/** 16 MiB and some 100 ms: one of the choices that OWASP's cheat sheet on password storage gives. */
const cost = { N: 16_384, r: 8, p: 5 } as const;
const saltBytes = 16;
const keyBytes = 32;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const key = await derive(password, salt, keyBytes, cost);
  const { N, r, p } = cost;
  return ["scrypt", N, r, p, salt.toString("base64url"), key.toString("base64url")].join("$");
}
