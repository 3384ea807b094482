/** Tells people: a webhook, Slack and what is compatible with it, e-mail. */
import { PropagitError } from "@propagit/protocol";
import { described, mapped, object, oneOrMany, text } from "@propagit/shapes";
import type { CommandContext } from "../command.js";
import { mailText } from "../core/mail-text.js";
import { defineCommand } from "../define-command.js";
import { lastLine } from "./kit/script.js";
import { shownUrl, urlOf } from "./kit/secret.js";
import { secretUrl } from "./kit/words.js";

const timeoutMs = 15_000;

const address = text({
  wanted: "an e-mail address",
  max: 254,
  pattern: "^[A-Za-z0-9_][A-Za-z0-9._+-]*@[A-Za-z0-9][A-Za-z0-9.-]*$",
  why: "is not an e-mail address such as ops@example.org",
});

const written = object(
  {
    text: described("What is told.", text({ max: 4_000 })),
    webhook: described(
      'Gets {"text": …, "host": …, "key": …} as JSON. `$NAME`: a secret.',
      secretUrl,
    ),
    slack: described(
      'Gets {"text": …}, as Slack and Mattermost take it. `$NAME`: a secret.',
      secretUrl,
    ),
    email: described("Who gets it by the host's sendmail.", oneOrMany(address, 50)),
    from: described("Of the e-mail (whoever sends it there).", address),
    subject: described("Of the e-mail (the first line of the text).", text({ max: 200 })),
  },
  ["text"],
);

const args = mapped(written, (value, at, _where, problems) => {
  if ([value.webhook, value.slack, value.email].every((one) => one === undefined)) {
    problems.add(at, "tells nobody: it has none of `webhook`, `slack`, `email`");
  }
  return value;
});

export const notify = defineCommand({
  name: "notify",
  summary: "Tells people: by a webhook, Slack or e-mail. That it fails does not fail the plan.",
  args,
  describe({ text: said, webhook, slack, email = [] }) {
    const urls = [webhook, slack].filter((url) => url !== undefined).map(shownUrl);
    return `would tell ${[...urls, ...email].join(", ")}: ${said}`;
  },
  async run({ text: said, webhook, slack, email, from, subject }, context) {
    const { host, key } = context;
    if (webhook !== undefined) await post(webhook, { text: said, host: host.name, key }, context);
    if (slack !== undefined) await post(slack, { text: said }, context);
    if (email !== undefined) {
      const title = subject ?? said.split("\n").at(0)?.slice(0, 200) ?? "";
      await mail(mailText({ to: email, from, subject: title, text: said }), context);
    }
    return { outcome: "done" };
  },
  actsAgain: true,
  continueOnFail: true,
  needsNoUndo: true,
  example: { text: "Version 7 of the shop is on its way", slack: "$SLACK_URL" },
});

async function post(
  written: string,
  body: unknown,
  { host, means, signal }: CommandContext,
): Promise<void> {
  const url = await urlOf(written, means);
  const headers = { "content-type": "application/json" };
  const text = JSON.stringify(body);
  const answer = await host.request({
    url,
    method: "POST",
    headers,
    body: text,
    timeoutMs,
    signal,
  });
  if (answer.status < 300) return;
  const why = answer.body.trim().split("\n").at(0)?.slice(0, 200) ?? "";
  throw new PropagitError("TASK_FAILED", `${shownUrl(written)} answered ${answer.status} ${why}`);
}

async function mail(input: string, { host, signal }: CommandContext): Promise<void> {
  // It often lies where the path of users does not lead.
  const script = "PATH=$PATH:/usr/sbin:/usr/lib; export PATH; exec sendmail -t -i";
  const ended = await host.execute(["/bin/sh", "-c", script], { input, signal });
  if (ended.code === 0) return;
  const why = `sendmail on ${host.name} did not take it: ${lastLine(ended)}`;
  throw new PropagitError("TASK_FAILED", why);
}
