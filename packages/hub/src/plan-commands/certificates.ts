/** Certificates of hosts, and the authority that gives them; keys are in no plan. */
import { acmeWish } from "@propagit/protocol";
import { described, list, object, text, withDefault, yesNo } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { checkedBy } from "./kit/checked.js";

const hostsMax = 1_000;
const nameCharsMax = 255;
const chainCharsMax = 200_000;
const { directory, email, authority, challenge } = acmeWish;
const { addHosts, dropHosts, addAllow, dropAllow } = acmeWish;

export const addCertificate = defineCommand({
  name: "add-certificate",
  summary: "Gives the hub a certificate; its key is with who asks, and in no plan.",
  args: object(
    { certificate: described("It and its chain, as PEM.", text({ max: chainCharsMax })) },
    ["certificate"],
  ),
  describe: () => "would add a certificate and give it to the proxies",
  run: byHub,
  example: { certificate: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" },
});

export const removeCertificate = defineCommand({
  name: "remove-certificate",
  summary: "Takes away what the hub has for a host, or the certificate with that id.",
  args: object({ name: described("A host, a wildcard, or an id.", text({ max: nameCharsMax })) }, [
    "name",
  ]),
  describe: ({ name }) => `would take the certificates of ${name} away`,
  run: byHub,
  example: { name: "shop.example.com" },
});

export const renewCertificates = defineCommand({
  name: "renew-certificates",
  summary:
    "Asks the authority for certificates of these hosts at once, whether they are due or not.",
  args: object({ hosts: described("The hosts.", list(text({ max: nameCharsMax }), hostsMax)) }, [
    "hosts",
  ]),
  describe: ({ hosts }) => `would ask the authority for ${hosts.join(", ")}`,
  run: byHub,
  example: { hosts: ["shop.example.com"] },
});

export const changeAuthority = defineCommand({
  name: "change-authority",
  summary: "Sets up an authority that speaks ACME, or changes what it is asked for.",
  args: object({
    directory: described("URL of its directory (as it is; Let's Encrypt).", checkedBy(directory)),
    email: described("Where it writes to.", checkedBy(email)),
    agree: described("Its terms are agreed to.", yesNo),
    authority: described("Who signs its own certificate, as PEM.", checkedBy(authority)),
    challenge: described("How a host is checked.", checkedBy(challenge)),
    addHosts: described("Hosts that are asked for.", withDefault(checkedBy(addHosts), [])),
    dropHosts: described("Hosts that no longer are.", withDefault(checkedBy(dropHosts), [])),
    addAllow: described(
      "Patterns of hosts of routes that are asked for.",
      withDefault(checkedBy(addAllow), []),
    ),
    dropAllow: described("Patterns that are taken back.", withDefault(checkedBy(dropAllow), [])),
  }),
  describe: ({ addHosts: more, dropHosts: less }) => {
    const parts = [
      ...(more.length > 0 ? [`for ${more.join(", ")}`] : []),
      ...(less.length > 0 ? [`no longer for ${less.join(", ")}`] : []),
    ];
    return `would have an authority asked ${parts.join(", ") || "as it says"}`;
  },
  run: byHub,
  example: { email: "ann@example.com", agree: true, addHosts: ["shop.example.com"] },
});
