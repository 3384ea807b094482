import assert from "node:assert/strict";
import { randomBytes, scryptSync } from "node:crypto";
import { test } from "node:test";
import { Passwords } from "../../src/system/passwords.js";

const hash = hashOf("lovelace: the first");
const right = { name: "ada", password: "lovelace: the first", hash, from: "192.0.2.1" };
const passwordsAt = (monotonic: () => number) => new Passwords({ monotonic });

test("takes the right password, later at once", async () => {
  const passwords = passwordsAt(() => 0);
  assert.equal(await passwords.check(right), "right");
  assert.equal(passwords.check(right), "right");
});

test("takes no other, and nothing for a hash that is none", async () => {
  const passwords = passwordsAt(() => 0);
  for (const password of ["", "lovelace", "lovelace: the first "]) {
    assert.equal(await passwords.check({ ...right, password }), "wrong");
  }
  for (const broken of ["", "scrypt$3$8$1$AAAA$AAAA", "scrypt$99999999$8$1$AAAA$AAAA", "md5$x"]) {
    assert.equal(await passwords.check({ ...right, hash: broken }), "wrong", broken);
  }
});

test("forgets a password when its rule changes", async () => {
  const passwords = passwordsAt(() => 0);
  assert.equal(await passwords.check(right), "right");
  assert.equal(await passwords.check({ ...right, hash: hashOf("another") }), "wrong");
  assert.equal(await passwords.check({ ...right, name: "alan" }), "right");
});

test("checks the same password once for many requests, and bounds those that wait", async () => {
  const passwords = passwordsAt(() => 0);
  const same = [1, 2, 3].map(() => passwords.check(right));
  assert.equal(new Set(same).size, 1);
  const guesses = Array.from({ length: 120 }, async (_, index) =>
    passwords.check({ ...right, password: `guess ${index}`, from: `192.0.2.${index}` }),
  );
  const proofs = await Promise.all(guesses);
  assert.deepEqual([...new Set(proofs)].sort(), ["busy", "wrong"]);
  assert.equal(await passwords.check(right), "right");
});

test("lets nobody guess fast, keeps nobody else waiting for it, and lets him go on later", async () => {
  let now = 0;
  const passwords = passwordsAt(() => now);
  assert.equal(await passwords.check({ ...right, from: "198.51.100.1" }), "right");
  const guess = async (index: number) =>
    passwords.check({ ...right, password: `guess ${index}`, from: "192.0.2.66" });
  const proofs = await Promise.all(Array.from({ length: 50 }, (_, index) => guess(index)));
  assert.deepEqual(proofs.slice(0, 20), Array(20).fill("wrong"));
  assert.deepEqual(proofs.slice(20), Array(30).fill("too-often"));
  assert.equal(passwords.check({ ...right, from: "192.0.2.66" }), "right", "known already");
  const other = { ...right, password: "another", hash: hashOf("another") };
  assert.equal(await passwords.check(other), "right", "from elsewhere");
  now = 4_999;
  assert.equal(await guess(50), "too-often");
  now = 5_000;
  assert.equal(await guess(51), "wrong");
  assert.equal(await guess(52), "too-often");
});

test("counts no right password as a guess", async () => {
  const passwords = passwordsAt(() => 0);
  for (let index = 0; index < 30; index++) {
    const password = `of user ${index}`;
    assert.equal(await passwords.check({ ...right, password, hash: hashOf(password) }), "right");
  }
});

function hashOf(password: string): string {
  const salt = randomBytes(16);
  const key = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  return `scrypt$1024$8$1$${salt.toString("base64url")}$${key.toString("base64url")}`;
}
