/** Labels of a drone, over those it is started with: services are placed by them. */
import { labelsSchema } from "@propagit/protocol";
import { described, list, object, text, withDefault } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { checkedBy } from "./kit/checked.js";

const nameCharsMax = 63;
/** As many as may be asked for directly. */
const unsetMax = 64;

export const labelDrone = defineCommand({
  name: "label-drone",
  summary: "Changes labels of a drone for good; services are placed anew by what they ask for.",
  args: object(
    {
      name: described("The drone.", text({ max: nameCharsMax })),
      set: described("Labels and their values.", withDefault(checkedBy(labelsSchema), {})),
      unset: described(
        "Labels that are taken away.",
        withDefault(list(text({ max: nameCharsMax }), unsetMax), []),
      ),
    },
    ["name"],
  ),
  describe: ({ name, set, unset }) => {
    const changes = [
      ...Object.entries(set).map(([key, value]) => `${key}=${value}`),
      ...unset.map((key) => `${key}-`),
    ];
    return `would label ${name} ${changes.join(" ") || "as it is"}`;
  },
  run: byHub,
  example: { name: "web-1", set: { zone: "eu" }, unset: ["gpu"] },
});
