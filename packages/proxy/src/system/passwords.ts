/**
 * Passwords of basic auth, checked against the hashes in a route's rules.
 *
 *     known already ---------------------------------> right, at once
 *     else: waits its turn --> scrypt in a thread ---> right, and kept for the next request
 *                |                           `-------> wrong
 *                |-- too many wait ------------------> busy
 *                `-- too many of his were wrong -----> too often
 *
 * A check takes tens of milliseconds by design, and a browser sends the password with every request: only
 * the first one pays. What is kept is a MAC under a key of this process, so a password is nowhere in clear.
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { Clock } from "@propagit/runtime";
import { seedOf } from "../core/hash.js";
import { RateLimiter } from "../core/rate-limit.js";
import type { Claim, Proof, Prover } from "../director.js";

/** Passwords that were right; some 100 bytes each. */
const knownMax = 10_000;
/** Half of libuv's four threads: reading files and names must go on while somebody guesses passwords. */
const checksMax = 2;
/** At 50 ms for each check, a wait of some seconds. */
const waitingMax = 100;
/** What a hash in the rules may ask for: 128 * N * r bytes. OWASP's cheapest to dearest fit. */
const memoryBytesMax = 256 * 1024 * 1024;
/**
 * Wrong passwords of one visitor: twenty at once, as those of an office behind one address may be, then
 * twelve a minute. At that speed the 10,000 most used passwords take 14 hours. Guesses, both.
 */
const wrongMax = { perSecond: 0.2, burst: 20 };

export class Passwords implements Prover {
  readonly #key = randomBytes(32);
  /** MACs of those that were right, the oldest first. */
  readonly #known = new Set<string>();
  /** Checks under way, so that a page's many requests at once are one check. */
  readonly #checking = new Map<string, Promise<Proof>>();
  readonly #waiting: (() => void)[] = [];
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #guesses = new RateLimiter(wrongMax, seedOf(randomBytes(16).toString("hex")));
  #running = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  check({ name, password, hash, from }: Claim): Proof | Promise<Proof> {
    const mac = this.#macOf(`${hash}\n${name}\n${password}`);
    if (this.#known.has(mac)) return "right";
    const checking = this.#checking.get(mac);
    if (checking) return checking;
    if (this.#waiting.length >= waitingMax) return "busy";
    // Taken before it is known whether it is wrong: else as many could be tried at once as may wait.
    if (this.#guesses.take(from, this.#clock.monotonic()) > 0) return "too-often";
    const check = this.#check(hash, password)
      .then((isRight): Proof => {
        if (isRight) {
          this.#remember(mac);
          this.#guesses.giveBack(from);
        }
        return isRight ? "right" : "wrong";
      })
      .finally(() => this.#checking.delete(mac));
    this.#checking.set(mac, check);
    return check;
  }

  async #check(hash: string, password: string): Promise<boolean> {
    if (this.#running >= checksMax) await new Promise<void>((turn) => this.#waiting.push(turn));
    else this.#running += 1;
    try {
      return await isPassword(hash, password);
    } finally {
      // The turn goes over to the next one, who does not count himself.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  #remember(mac: string): void {
    if (this.#known.size >= knownMax) {
      const [oldest] = this.#known;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.add(mac);
  }

  #macOf(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64");
  }
}

/** Whether `scrypt$N$r$p$SALT$KEY` is this password's; a hash that is none fits nothing. */
async function isPassword(hash: string, password: string): Promise<boolean> {
  const [, cost, blockSize, parallelization, salt, key] =
    /^scrypt\$(\d{1,8})\$(\d{1,4})\$(\d{1,4})\$([\w-]+)\$([\w-]+)$/.exec(hash) ?? [];
  if (key === undefined || salt === undefined) return false;
  const wanted = Buffer.from(key, "base64url");
  const options = {
    N: Number(cost),
    r: Number(blockSize),
    p: Number(parallelization),
    maxmem: memoryBytesMax,
  };
  try {
    const got = await derive(password, Buffer.from(salt, "base64url"), wanted.length, options);
    return timingSafeEqual(got, wanted);
  } catch {
    // Numbers that scrypt does not take.
    return false;
  }
}

function derive(
  password: string,
  salt: Buffer,
  bytes: number,
  options: { N: number; r: number; p: number; maxmem: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, bytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
