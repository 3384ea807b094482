/** How visitors are treated, and by which names they come; who may come with a password is in no plan. */
import { hostChange, ruleChange } from "@propagit/protocol";
import { described, object, withDefault } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { describeChange } from "../core/rule-edits.js";
import { placeOfHost } from "../core/said.js";
import { byHub } from "./kit/by-hub.js";
import { checkedBy } from "./kit/checked.js";
import { placeWords } from "./kit/place-words.js";

const { repo, environment } = placeWords;
const names = ruleChange.off;

export const changeRules = defineCommand({
  name: "change-rules",
  summary: "Changes how visitors of a repository are treated, by hand, rule by rule.",
  args: object(
    {
      repo,
      environment,
      set: described("Rules, each as a whole.", withDefault(checkedBy(ruleChange.set), {})),
      off: described("Rules that do not hold.", withDefault(checkedBy(names), [])),
      unset: described("Rules that are left to the manifest.", withDefault(checkedBy(names), [])),
    },
    ["repo"],
  ),
  describe: ({ repo: of, ...change }) => `would change rules of ${of}: ${describeChange(change)}`,
  run: byHub,
  example: { repo: "webapp", set: { pause: { limitMs: 30_000 } } },
});

export const changeHosts = defineCommand({
  name: "change-hosts",
  summary: "Has a host name lead to a repository by hand, or no longer.",
  args: object(
    {
      repo,
      environment,
      add: described("The name, and how visitors come by it.", checkedBy(hostChange.add)),
      remove: described("One that was added by hand.", checkedBy(hostChange.remove)),
    },
    ["repo"],
  ),
  describe: ({ repo: to, add, remove }) => {
    const parts = [
      ...(add ? [`have ${placeOfHost(add)} lead to ${to}`] : []),
      ...(remove ? [`take ${placeOfHost(remove)} from ${to}`] : []),
    ];
    return `would ${parts.join(" and ") || "change nothing"}`;
  },
  run: byHub,
  example: { repo: "webapp", add: { host: "www.example.com" } },
});
