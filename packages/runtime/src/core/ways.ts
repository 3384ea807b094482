/**
 * The addresses at which one and the same service is reached, in the order in which they are tried.
 *
 *     ways       relay-b:6001   relay-c:6001   hub:6001      the first is the best
 *     a round    tried one after the other; then a back-off, then the next round
 */
import { formatAddress, type Address } from "@propagit/protocol";

/** A round: the ways, each once, and in the end the address that always counts, unless it is one of them. */
export function roundOf(ways: readonly Address[], address: Address): readonly Address[] {
  const byText = new Map([...ways, address].map((way) => [formatAddress(way), way]));
  return [...byText.values()];
}

/** Those that are better than the one in use; all, when that is none of them any more. */
export function betterThan(
  used: Address,
  ways: readonly Address[],
  address: Address,
): readonly Address[] {
  const round = roundOf(ways, address);
  const index = round.findIndex((way) => isSameAddress(way, used));
  return index < 0 ? round : round.slice(0, index);
}

export function isSameAddress(left: Address, right: Address): boolean {
  return left.host === right.host && left.port === right.port;
}
