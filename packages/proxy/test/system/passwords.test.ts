import assert from "node:assert/strict";
import { randomBytes, scryptSync } from "node:crypto";
import { test } from "node:test";
import { Passwords } from "../../src/system/passwords.js";

const hash = hashOf("lovelace: the first");
const right = { name: "ada", password: "lovelace: the first", hash };

test("takes the right password, later at once", async () => {
  const passwords = new Passwords();
  assert.equal(await passwords.check(right), "right");
  assert.equal(passwords.check(right), "right");
});

test("takes no other, and nothing for a hash that is none", async () => {
  const passwords = new Passwords();
  for (const password of ["", "lovelace", "lovelace: the first "]) {
    assert.equal(await passwords.check({ ...right, password }), "wrong");
  }
  for (const broken of ["", "scrypt$3$8$1$AAAA$AAAA", "scrypt$99999999$8$1$AAAA$AAAA", "md5$x"]) {
    assert.equal(await passwords.check({ ...right, hash: broken }), "wrong", broken);
  }
});

test("forgets a password when its rule changes", async () => {
  const passwords = new Passwords();
  assert.equal(await passwords.check(right), "right");
  assert.equal(await passwords.check({ ...right, hash: hashOf("another") }), "wrong");
  assert.equal(await passwords.check({ ...right, name: "alan" }), "right");
});

test("checks the same password once for many requests, and bounds those that wait", async () => {
  const passwords = new Passwords();
  const same = [1, 2, 3].map(() => passwords.check(right));
  assert.equal(new Set(same).size, 1);
  const guesses = Array.from({ length: 120 }, async (_, index) =>
    passwords.check({ ...right, password: `guess ${index}` }),
  );
  const proofs = await Promise.all(guesses);
  assert.deepEqual([...new Set(proofs)].sort(), ["busy", "wrong"]);
  assert.equal(await passwords.check(right), "right");
});

function hashOf(password: string): string {
  const salt = randomBytes(16);
  const key = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  return `scrypt$1024$8$1$${salt.toString("base64url")}$${key.toString("base64url")}`;
}
