/**
 * What a relay and its hub tell each other: connections of others, as channels over the relay's own session.
 *
 *     drone ==wire==> relay ==one session==> hub
 *                       |--relay.open {channel 7}----->|      a wire of its own for the hub, from here on
 *                       |<-relay.data {channel 7}------|      cut into parts, at most `channelCreditChars` ahead
 *                       |--relay.taken {channel 7}---->|      so much was taken: send that much more
 *                       |--relay.close {channel 7}---->|      from either side; the last of a channel
 *
 * What is in a channel stays sealed between the two whose it is: a relay can end it, but neither read a secret
 * out of it nor change a character. A wire in a channel may carry a relay's session itself: relays nest.
 */
import * as Type from "typebox";
import { count, exact, list, oneOf, text } from "./shape.js";

/** Longest text in one `relay.data`: small, so that everybody's next heartbeat is soon at its turn. */
export const channelTextCharsMax = 16 * 1024;

/** How much of a channel may be under way in one direction before it is said to be taken. A guess. */
export const channelCreditChars = 256 * 1024;
/** Counted for each part beside its text, so that a flood of tiny messages is bounded like one of large ones. */
export const channelPartChars = 64;

/** Channels of one relay: two for each of 1,000 drones, and as many for strangers. */
export const channelsMax = 4_000;

/** Relays, one behind the other: each of them puts every frame into one more envelope. */
export const relayDepthMax = 4;

/** Numbers channels of one session; the relay counts them up from 1 and uses none twice. */
const channel = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

export const relayTellings = {
  /** Relay to hub: somebody connected. */
  "relay.open": exact({
    channel,
    /** The service that was asked for, one of `sessionPaths`. */
    path: oneOf("/session", "/registry"),
    /** Whoever it is, as the relay sees the address. */
    host: text(255),
  }),
  /** A message of the wire, or a part of one. */
  "relay.data": exact({
    channel,
    text: text(channelTextCharsMax),
    /** The next one of this channel belongs to the same message. */
    more: Type.Optional(Type.Boolean()),
  }),
  /** So many characters were taken since it was last said, `channelPartChars` of each part included. */
  "relay.taken": exact({ channel, chars: count }),
  /** The wire ended, or is to end. */
  "relay.close": exact({ channel, reason: text(500) }),
  /**
   * Hub to drone, when relays of its zone come and go: as `ways` in the answer to `hub.join`; only to a drone
   * that said there that it goes by them.
   */
  "drone.ways": exact({ ways: list(text(300), 64) }),
} as const;
