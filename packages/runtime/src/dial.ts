/** One conversation for one command: connects once, says why not, and never hangs. */
import {
  formatAddress,
  PropagitError,
  type Address,
  type Credential,
  type ErrorData,
  type Role,
} from "@propagit/protocol";
import { within } from "./clock.js";
import { Conversation } from "./conversation.js";
import { connectMsMax } from "./network.js";
import type { World } from "./world.js";

export interface DialOptions {
  readonly address: Address;
  readonly path: string;
  readonly role: Role;
  readonly credential: Credential;
  readonly acceptsOpen: boolean;
}

/** Bound on connecting and proving together, so that a command line ends within 10 s. */
const dialMsMax = 9_000;

/** @throws UNREACHABLE, DENIED, UNPROVEN, TIMED_OUT, BAD_VERSION */
export async function dial(world: World, options: DialOptions): Promise<Conversation> {
  const { address, path, role, credential, acceptsOpen } = options;
  const startedAt = world.clock.monotonic();
  const wire = await world.network.connect(address, path, connectMsMax);
  const conversation = new Conversation(world, wire, {
    side: { kind: "client", role, credential, acceptsOpen },
  });
  try {
    const leftMs = startedAt + dialMsMax - world.clock.monotonic();
    const what = `connecting to ${formatAddress(address)}`;
    await within(world.clock, leftMs, what, conversation.established);
    return conversation;
  } catch (thrown) {
    void hangUp(conversation);
    throw thrown;
  }
}

/** Ends a conversation that has done its work. */
export function hangUp(conversation: Conversation): Promise<ErrorData> {
  conversation.end(new PropagitError("LINK_LOST", "done"));
  return conversation.over;
}
