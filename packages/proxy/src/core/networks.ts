/**
 * Lists of networks, asked for an address: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`.
 *
 * Each length of prefix that occurs has a set of the networks of that length, so that an answer costs a look
 * for each length and not one for each network. IPv4 addresses within IPv6 (`::ffff:10.0.0.1`) are IPv4.
 */

interface Address {
  /** Of 32 bits each: one word for IPv4, four for IPv6. */
  readonly words: readonly number[];
}

type Networks = Map<number, Set<string>>;

export class NetworkList {
  /** By number of words, then by length of prefix. */
  readonly #networks = new Map<number, Networks>();

  /** What is no network is in no list: it is refused where rules are made. */
  static parse(texts: readonly string[]): NetworkList {
    const list = new NetworkList();
    for (const text of texts) list.#add(text);
    return list;
  }

  has(text: string): boolean {
    const address = parseAddress(text);
    if (!address) return false;
    const { words } = address;
    for (const [bits, keys] of this.#networks.get(words.length) ?? []) {
      if (keys.has(keyOf(words, bits))) return true;
    }
    return false;
  }

  #add(text: string): void {
    const [front = "", length, ...rest] = text.split("/");
    const address = parseAddress(front);
    if (!address || rest.length > 0) return;
    const { words } = address;
    const bitsMax = words.length * 32;
    // `::ffff:10.0.0.0/104` is 10.0.0.0/8.
    const isMapped = words.length === 1 && front.includes(":");
    const bits = length === undefined ? bitsMax : Number(length) - (isMapped ? 96 : 0);
    if (!Number.isInteger(bits) || bits < 0 || bits > bitsMax) return;
    const lengths: Networks = this.#networks.get(words.length) ?? new Map<number, Set<string>>();
    const keys = lengths.get(bits) ?? new Set();
    keys.add(keyOf(words, bits));
    lengths.set(bits, keys);
    this.#networks.set(words.length, lengths);
  }
}

/**
 * Who an address stands for where visitors are counted: an IPv6 visitor has a whole network of 64 bits to
 * choose his addresses from.
 */
export function visitorNetwork(text: string): string {
  const address = parseAddress(text);
  if (!address) return text;
  return keyOf(address.words, Math.min(64, address.words.length * 32));
}

function keyOf(words: readonly number[], bits: number): string {
  let key = "";
  for (let index = 0; index * 32 < bits; index++) {
    const left = bits - index * 32;
    const mask = left >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - left)) >>> 0;
    key += `${(((words[index] ?? 0) & mask) >>> 0).toString(16)}:`;
  }
  return key;
}

function parseAddress(text: string): Address | undefined {
  if (!text.includes(":")) {
    const word = parseIpv4(text);
    return word === undefined ? undefined : { words: [word] };
  }
  const words = parseIpv6(text.replace(/%.*$/, ""));
  if (!words) return undefined;
  const [first, second, third, fourth = 0] = words;
  const isMapped = first === 0 && second === 0 && third === 0xffff;
  return { words: isMapped ? [fourth] : words };
}

const ipv4Pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function parseIpv4(text: string): number | undefined {
  const parts = ipv4Pattern.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((word, part) => word * 256 + part, 0);
}

/** RFC 4291, section 2.2: eight groups, one run of zeros left out, IPv4 at the end. */
function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [front, back] = halves.map(groupsOf);
  if (!front || (halves.length === 2 && !back)) return undefined;
  const missing = 8 - front.length - (back?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...front, ...Array.from({ length: missing }, () => 0), ...(back ?? [])];
  return [0, 2, 4, 6].map((at) => (groups[at] ?? 0) * 0x1_0000 + (groups[at + 1] ?? 0));
}

function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const word = index === parts.length - 1 && part.includes(".") ? parseIpv4(part) : undefined;
    if (word !== undefined) groups.push(word >>> 16, word & 0xffff);
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
