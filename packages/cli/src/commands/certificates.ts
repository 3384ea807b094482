import {
  challengeKinds,
  PropagitError,
  type AcmeSummary,
  type CertificateSummary,
  type ChallengeKind,
} from "@propagit/protocol";
import { nodeCrypto, type Conversation } from "@propagit/runtime";
import { Command, Option } from "commander";
import { author } from "../author.js";
import { parseHostPattern, parseWholeHost, readPem } from "../certificate-flags.js";
import { examples } from "../examples.js";
import { asRepeatedFlag } from "../flags.js";
import { collect, withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { formatAcme, formatCertificates, formatRemoved } from "../output/certificates.js";
import { print, printJson } from "../output/print.js";
import { showDryRun, withDryRunFlag } from "../plans/dry-run.js";

interface JsonFlags extends HubFlags {
  readonly json?: boolean;
}

interface ChangeFlags extends JsonFlags {
  readonly dryRun?: boolean;
}

interface AcmeFlags extends ChangeFlags {
  readonly email?: string;
  readonly agree?: boolean;
  readonly staging?: boolean;
  readonly directory?: string;
  readonly ca?: string;
  readonly challenge?: ChallengeKind;
  readonly host?: readonly string[];
  readonly dropHost?: readonly string[];
  readonly allow?: readonly string[];
  readonly disallow?: readonly string[];
}

const stagingDirectory = "https://acme-staging-v02.api.letsencrypt.org/directory";
/** An authority answers within seconds, or is asked in vain. */
const authorityMsMax = 120_000;

export function certificatesCommand(): Command {
  return withHubFlags(
    new Command("certificates")
      .summary("certificates of hosts, for TLS")
      .description(
        "Certificates that the hub keeps, hidden, and gives to the proxies that have a --tls-port: those that you add, and those that it gets from an authority (Let's Encrypt, or another that speaks ACME) and renews in time.",
      ),
  )
    .addCommand(withHubFlags(listCommand()))
    .addCommand(withHubFlags(acmeCommand()))
    .addCommand(withHubFlags(renewCommand()))
    .addCommand(withHubFlags(addCommand()))
    .addCommand(withHubFlags(removeCommand()));
}

function listCommand(): Command {
  const command = new Command("ls")
    .summary("what there is, until when, and what went wrong")
    .description(
      "Lists certificates, until when they are good, when they are renewed, and why one could not be had.",
    )
    .option("--json", "print it as JSON");
  return examples(command, ["propagit certificates ls"]).action(
    async (_: unknown, command: Command) => {
      const flags = command.optsWithGlobals<JsonFlags>();
      const { certificates, acme } = await withHub(flags, listOf);
      if (flags.json) printJson({ certificates, ...(acme && { acme }) });
      else print(formatCertificates(certificates, acme, Date.now()));
    },
  );
}

async function listOf(hub: Conversation): Promise<{
  certificates: readonly CertificateSummary[];
  acme: AcmeSummary | undefined;
}> {
  let acme: AcmeSummary | undefined;
  const certificates = await collect<CertificateSummary>(async (onPart) => {
    const last = await hub.call("hub.certificates", {}, { onPart });
    ({ acme } = last);
    return last.certificates;
  });
  return { certificates, acme };
}

function addCommand(): Command {
  const command = new Command("add")
    .summary("a certificate that you have, and its key")
    .description(
      "Gives the hub a certificate with its chain and the key of it, both as PEM. It is for the hosts that it names itself, wildcards among them, and replaces what was added for just the same hosts. The key is hidden on its way and at rest.",
    )
    .argument("<certificate>", "file with the certificate and its chain")
    .argument("[key]", "file with its key (default: in the same file)")
    .option("--json", "print it as JSON");
  return examples(withDryRunFlag(command), [
    "propagit certificates add fullchain.pem privkey.pem",
    "propagit certificates add fullchain.pem --dry-run",
  ]).action(async (file: string, keyFile: string | undefined, _: unknown, command: Command) => {
    const flags = command.optsWithGlobals<ChangeFlags>();
    const certificate = blocksOf(readPem(file));
    if (flags.dryRun) return showDryRun({ kind: "certificate-add", certificate }, flags);
    const clear = readPem(keyFile ?? file);
    const added = await withHub(flags, (hub) => {
      const key = nodeCrypto.encrypt(hub.peer?.sessionKey ?? "", clear);
      return hub.call("hub.certificate-add", { certificate, key, by: author() });
    });
    if (flags.json) printJson(added);
    else print(formatCertificates([added], undefined, Date.now()));
  });
}

/** Of a file that may hold the key as well, which must not travel in clear. */
function blocksOf(text: string): string {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return `${(blocks ?? []).join("\n")}\n`;
}

function removeCommand(): Command {
  const command = new Command("rm")
    .summary("take certificates of a host away")
    .description(
      "Takes away what the hub has for a host, or the one with that id. An authority is no longer asked for the host, unless a route names it and --allow lets it.",
    )
    .argument("<host>", "a host, a wildcard, or an id", (text: string) => text.toLowerCase())
    .option("--json", "print it as JSON");
  return examples(withDryRunFlag(command), ["propagit certificates rm shop.example.com"]).action(
    async (name: string, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ChangeFlags>();
      if (flags.dryRun) return showDryRun({ kind: "certificate-remove", name }, flags);
      const { removed } = await withHub(flags, (hub) =>
        hub.call("hub.certificate-remove", { name, by: author() }),
      );
      if (flags.json) printJson(removed);
      else if (removed.length === 0) print(`${name} is no longer asked for\n`);
      else print(formatRemoved(removed));
    },
  );
}

function renewCommand(): Command {
  const command = new Command("renew")
    .summary("ask the authority at once")
    .description("Asks the authority for these hosts at once, whether they are due or not.")
    .argument("<host...>", "the hosts", asRepeatedFlag(parseWholeHost));
  return examples(withDryRunFlag(command), ["propagit certificates renew shop.example.com"]).action(
    async (hosts: string[], _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ChangeFlags>();
      if (flags.dryRun) return showDryRun({ kind: "certificate-renew", hosts }, flags);
      await withHub(flags, (hub) => hub.call("hub.certificate-renew", { hosts, by: author() }));
      print(`asked for ${hosts.join(", ")}; look on with \`propagit certificates ls\`\n`);
    },
  );
}

function acmeCommand(): Command {
  const command = new Command("acme")
    .summary("which authority is asked, and for which hosts")
    .description(
      "Sets up an authority that speaks ACME, or changes what it is asked for. Asked for are the hosts given with --host, and those host names of routes that --allow lets. The authority checks that a host is ours by asking it, on port 80 (http-01) or 443 (tls-alpn-01); any of the proxies answers.",
    )
    .option("--email <address>", "where the authority writes to when something is wrong")
    .option("--agree", "you agree to the authority's terms")
    .addOption(
      new Option(
        "--staging",
        "Let's Encrypt's authority for trying, which nobody trusts",
      ).conflicts("directory"),
    )
    .option("--directory <url>", "another authority than Let's Encrypt")
    .option("--ca <file>", "who signs the authority's own certificate, as PEM")
    .addOption(
      new Option("--challenge <kind>", "how a host is checked (http-01)").choices(challengeKinds),
    )
    .option("--host <name>", "ask for this host; repeatable", asRepeatedFlag(parseWholeHost))
    .option("--drop-host <name>", "no longer ask for it", asRepeatedFlag(parseWholeHost))
    .option(
      "--allow <pattern>",
      "ask for hosts of routes that fit: shop.example.com, *.example.com or *; repeatable",
      asRepeatedFlag(parseHostPattern),
    )
    .option("--disallow <pattern>", "take an --allow back", asRepeatedFlag(parseHostPattern))
    .option("--json", "print it as JSON");
  return examples(withDryRunFlag(command), [
    "propagit certificates acme --email ann@example.com --agree --host shop.example.com",
    "propagit certificates acme --allow '*.example.com'",
  ]).action(async (_: unknown, command: Command) => acme(command.optsWithGlobals<AcmeFlags>()));
}

async function acme(flags: AcmeFlags): Promise<void> {
  const { email, agree, challenge, ca, host, dropHost, allow, disallow } = flags;
  const directory = flags.staging ? stagingDirectory : flags.directory;
  if (email !== undefined && !/^[^\s@,?]+@[^\s@,?]+$/.test(email)) {
    throw new PropagitError("BAD_USAGE", `--email: ${email} is no address`);
  }
  const wish = {
    ...(directory !== undefined && { directory }),
    ...(email !== undefined && { email }),
    ...(agree && { agree }),
    ...(ca !== undefined && { authority: readPem(ca) }),
    ...(challenge !== undefined && { challenge }),
    addHosts: [...(host ?? [])],
    dropHosts: [...(dropHost ?? [])],
    addAllow: [...(allow ?? [])],
    dropAllow: [...(disallow ?? [])],
  };
  if (flags.dryRun) return showDryRun({ kind: "acme", ...wish }, flags);
  const set = await withHub(flags, (hub) =>
    hub.call("hub.acme", { ...wish, by: author() }, { limitMs: authorityMsMax }),
  );
  if (flags.json) printJson(set);
  else print(formatAcme(set, Date.now()));
}
