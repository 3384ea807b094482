/** Everything about the engine that has a bound. Times in ms, sizes in bytes. */
import { defaultHeadLimits } from "../core/head.js";

export interface EngineLimits {
  /** Of a request's head; a longer one is answered with 431. */
  readonly headBytesMax: number;
  readonly fieldsMax: number;
  readonly targetBytesMax: number;
  /** Of an answer's head. */
  readonly answerHeadBytesMax: number;
  /** From the first byte of a request to the end of its head. */
  readonly headMs: number;
  /** Without a request on a kept connection. */
  readonly keepAliveMs: number;
  /** Without a byte of a body from the visitor, or without one that he takes. */
  readonly bodyMs: number;
  readonly connectMs: number;
  /** From the request (or the last piece of its body) to the head of the answer. */
  readonly answerHeadMs: number;
  /** Silence of the endpoint within an answer. */
  readonly answerIdleMs: number;
  /** Silence on an upgraded connection. */
  readonly tunnelIdleMs: number;
  /** For the visitor to hear the last answer and close. */
  readonly lingerMs: number;
  readonly connectionsMax: number;
  /** Of one address, or one network of 64 bits of IPv6, unless it is trusted; 0: as many as there are. */
  readonly connectionsPerAddressMax: number;
  /** Connections to one endpoint, requests that wait for one, and connections kept without use. */
  readonly endpointConnectionsMax: number;
  readonly endpointQueueMax: number;
  readonly endpointIdleMax: number;
  readonly endpointIdleMs: number;
  /** Of a request that is copied to a shadow: a longer one is not. */
  readonly shadowBytesMax: number;
  /** Copies under way at the same time. */
  readonly shadowsMax: number;
}

const connectionsMax = 20_000;

/** A quarter: somebody alone does not take all, and many behind one address still find room. A guess. */
function perAddressOf(connections: number): number {
  return Math.ceil(connections / 4);
}

/** What is not said follows from what is. */
export function limitsOf(given: Partial<EngineLimits> = {}): EngineLimits {
  const limits = { ...defaultLimits, ...given };
  const { connectionsPerAddressMax = perAddressOf(limits.connectionsMax) } = given;
  return { ...limits, connectionsPerAddressMax };
}

export const defaultLimits: EngineLimits = {
  ...defaultHeadLimits,
  // Four times what Node takes in a request, for apps with many cookies.
  answerHeadBytesMax: 64 * 1024,
  headMs: 30_000,
  // Longer than the 60 s of usual load balancers in front, so that they close first.
  keepAliveMs: 65_000,
  bodyMs: 60_000,
  // A neighbour in the same network connects in milliseconds; a lost SYN is sent again after one second.
  connectMs: 3_000,
  answerHeadMs: 60_000,
  // Event streams speak rarely.
  answerIdleMs: 60 * 60 * 1000,
  tunnelIdleMs: 60 * 60 * 1000,
  lingerMs: 2_000,
  connectionsMax,
  connectionsPerAddressMax: perAddressOf(connectionsMax),
  endpointConnectionsMax: 1_024,
  endpointQueueMax: 1_024,
  endpointIdleMax: 512,
  // Below the 5 s after which Node closes a kept connection, so that the race is rare.
  endpointIdleMs: 4_000,
  shadowBytesMax: 256 * 1024,
  shadowsMax: 64,
};
