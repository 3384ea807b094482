/** Waits for an HTTP answer. */
import { toPropagitError } from "@propagit/protocol";
import { described, duration, object, oneOrMany, text, whole, withDefault } from "@propagit/shapes";
import { defineCommand } from "../define-command.js";
import { pollUntil } from "./kit/poll.js";
import { shownUrl, urlOf } from "./kit/secret.js";
import { secretUrl } from "./kit/words.js";

const lookMsMax = 10_000;

const args = object(
  {
    url: described(
      "As the host of the task sees it. `$NAME`: of the secret of that name.",
      secretUrl,
    ),
    status: described("What is good (200).", withDefault(oneOrMany(whole(100, 599), 50), 200)),
    contains: described(
      "What the first 64 KiB of the answer must have in them.",
      text({ max: 1_000 }),
    ),
    within: described("How long it may take until it is so (60s).", withDefault(duration(), "60s")),
    every: described(
      "How long between two looks (1s).",
      withDefault(duration(undefined, 100), "1s"),
    ),
  },
  ["url"],
);

export const waitHttp = defineCommand({
  name: "wait-http",
  summary: "Waits until an address answers as it should. Redirects are answers, too.",
  args,
  describe: ({ url, status }) => `would wait until ${shownUrl(url)} answers ${status.join(" or ")}`,
  async run({ url, status, contains, within, every }, context) {
    const { host, means, signal } = context;
    const address = await urlOf(url, means);
    const look = async () => {
      try {
        const answer = await host.request({ url: address, timeoutMs: lookMsMax, signal });
        const isGood = status.includes(answer.status);
        const isSo = isGood && (contains === undefined || answer.body.includes(contains));
        const how = isGood && !isSo ? `${answer.status} without the text` : String(answer.status);
        return { isSo, why: `${shownUrl(url)} answered ${how}` };
      } catch (thrown) {
        const { code, message } = toPropagitError(thrown);
        if (code !== "TASK_FAILED" && code !== "HOST_LOST") throw thrown;
        return { isSo: false, why: message };
      }
    };
    return pollUntil(context, { withinMs: within, everyMs: every, look });
  },
  needsNoUndo: true,
  example: { url: "http://127.0.0.1:8080/up", status: [200, 204] },
});
