/**
 * Lists of networks, asked for an address: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`.
 *
 * Each length of prefix that occurs has a set of the networks of that length, so that an answer costs a look
 * for each length and not one for each network. IPv4 addresses within IPv6 (`::ffff:10.0.0.1`) are IPv4.
 */

/** Of 32 bits each: one word for IPv4, four for IPv6. */
type Words = readonly number[];

interface Network {
  readonly words: Words;
  readonly bits: number;
}

export class NetworkList {
  /** By length of prefix; each network as a number. */
  readonly #ipv4 = new Map<number, Set<number>>();
  /** The same, each as a text. */
  readonly #ipv6 = new Map<number, Set<string>>();

  /** @throws a RangeError that says what is no network, and why. */
  static parse(texts: readonly string[]): NetworkList {
    const list = new NetworkList();
    for (const text of texts) {
      const network = parseNetwork(text);
      if (typeof network === "string") throw new RangeError(network);
      list.#add(network);
    }
    return list;
  }

  /** What is no network is left out: for lists that were checked where they were made. */
  static parseValid(texts: readonly string[]): NetworkList {
    const list = new NetworkList();
    for (const text of texts) {
      const network = parseNetwork(text);
      if (typeof network !== "string") list.#add(network);
    }
    return list;
  }

  get isEmpty(): boolean {
    return this.#ipv4.size + this.#ipv6.size === 0;
  }

  /** Whether the address is in one of them; what is no address is in none. */
  has(address: string): boolean {
    if (this.isEmpty) return false;
    const words = parseAddress(address);
    if (!words) return false;
    if (words.length > 1) {
      for (const [bits, keys] of this.#ipv6) if (keys.has(keyOf(words, bits))) return true;
      return false;
    }
    const [word = 0] = words;
    for (const [bits, keys] of this.#ipv4) if (keys.has(masked(word, bits))) return true;
    return false;
  }

  #add({ words, bits }: Network): void {
    if (words.length > 1) put(this.#ipv6, bits, keyOf(words, bits));
    else put(this.#ipv4, bits, masked(words[0] ?? 0, bits));
  }
}

/** IPv4, or IPv6 with or without a zone. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined;
}

/**
 * Who an address stands for where visitors are counted: an IPv6 visitor has a whole network of 64 bits to
 * choose his addresses from.
 */
export function visitorNetwork(address: string): string {
  if (!address.includes(":")) return address;
  const words = parseAddress(address);
  if (!words) return address;
  return words.length > 1 ? keyOf(words, 64) : dotted(words[0] ?? 0);
}

/** @returns a sentence when it is none */
function parseNetwork(text: string): Network | string {
  const slash = text.indexOf("/");
  const [front, length] = slash < 0 ? [text] : [text.slice(0, slash), text.slice(slash + 1)];
  const words = parseAddress(front);
  if (!words) return `"${text}" is no network, such as 10.0.0.0/8: "${front}" is no address`;
  const isMapped = words.length === 1 && front.includes(":");
  const bitsMax = isMapped ? bitsOfIpv6 : words.length * 32;
  if (length === undefined) return { words, bits: words.length * 32 };
  const bits = Number(length);
  if (!/^\d{1,3}$/.test(length) || bits > bitsMax)
    return `"${text}" is no network: what follows the slash is a number from 0 to ${bitsMax}`;
  if (!isMapped) return { words, bits };
  // `::ffff:10.0.0.0/104` is 10.0.0.0/8; a shorter prefix is one of IPv6.
  return bits >= mappedBits
    ? { words, bits: bits - mappedBits }
    : { words: [0, 0, 0xffff, ...words], bits };
}

const bitsOfIpv6 = 128;
/** Of `::ffff:`, which is in front of an IPv4 address. */
const mappedBits = 96;

function dotted(word: number): string {
  return [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff).join(".");
}

function put<K>(lengths: Map<number, Set<K>>, bits: number, key: K): void {
  const keys = lengths.get(bits) ?? new Set();
  keys.add(key);
  lengths.set(bits, keys);
}

function keyOf(words: Words, bits: number): string {
  let key = "";
  for (let index = 0; index * 32 < bits; index++) {
    key += `${masked(words[index] ?? 0, Math.min(32, bits - index * 32)).toString(16)}:`;
  }
  return key;
}

function masked(word: number, bits: number): number {
  // Shifts are modulo 32: a shift by 32 would be none.
  return bits === 0 ? 0 : (word & (0xffff_ffff << (32 - bits))) >>> 0;
}

/** IPv4 as such: a socket for both kinds of addresses says `::ffff:192.0.2.7`. */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}

function parseAddress(text: string): Words | undefined {
  if (!text.includes(":")) {
    const word = parseIpv4(text);
    return word === undefined ? undefined : [word];
  }
  const words = parseIpv6(text.replace(/%.*$/, ""));
  if (!words) return undefined;
  const [first, second, third, fourth = 0] = words;
  return first === 0 && second === 0 && third === 0xffff ? [fourth] : words;
}

/** Four numbers of up to three digits; read by hand, since it is done for each request. */
function parseIpv4(text: string): number | undefined {
  let word = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === dot && digits > 0 && dots < 3) {
      word = word * 256 + part;
      part = 0;
      digits = 0;
      dots += 1;
      continue;
    }
    // `010` is 8 to some and 10 to others: it is no address.
    if (code < zero || code > nine || (digits > 0 && part === 0)) return undefined;
    part = part * 10 + code - zero;
    digits += 1;
    if (part > 255) return undefined;
  }
  return dots === 3 && digits > 0 ? word * 256 + part : undefined;
}

const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;

/** RFC 4291, section 2.2: eight groups, one run of zeros left out, IPv4 at the end. */
function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [front, back] = halves.map((half, at) => groupsOf(half, at === halves.length - 1));
  if (!front || (halves.length === 2 && !back)) return undefined;
  const missing = 8 - front.length - (back?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...front, ...Array.from({ length: missing }, () => 0), ...(back ?? [])];
  return [0, 2, 4, 6].map((at) => (groups[at] ?? 0) * 0x1_0000 + (groups[at + 1] ?? 0));
}

/** @param isEnd only there IPv4 may stand */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const isLast = isEnd && index === parts.length - 1;
    const word = isLast && part.includes(".") ? parseIpv4(part) : undefined;
    if (word !== undefined) groups.push(word >>> 16, word & 0xffff);
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
