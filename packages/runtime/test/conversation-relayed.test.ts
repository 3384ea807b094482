/** Everything that is promised of conversations, over wires that go through a relay. */
import { putHubsBehindRelays } from "./support/meeting.js";

putHubsBehindRelays();
await import("./conversation.test.js");
