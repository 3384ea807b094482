/** Flags and arguments about certificates and the hosts that they are for. */
import { readFileSync } from "node:fs";
import { PropagitError, quote } from "@propagit/protocol";
import type { NamedPair, ProxyOptions } from "@propagit/proxy";
import { errnoOf } from "@propagit/runtime";
import type { Command } from "commander";
import { asFlag, asRepeatedFlag, parsePort } from "./flags.js";

export interface TlsFlags {
  readonly tlsPort?: number;
  readonly certificate?: readonly NamedPair[];
  readonly certificates?: string;
}

export function withTlsFlags(command: Command): Command {
  return command
    .option(
      "--tls-port <port>",
      "port for visitors with TLS; certificates come from the hub and from files",
      asFlag(parsePort),
    )
    .option(
      "--certificate <hosts=cert,key>",
      "certificate and key in PEM files, read again when they change; `*=` for hosts without one; repeatable",
      asRepeatedFlag(parseCertificate),
    )
    .option(
      "--certificates <folder>",
      "all of a folder: NAME.pem and NAME.key, or NAME/fullchain.pem and NAME/privkey.pem",
    );
}

/** @throws BAD_USAGE for certificates that nobody would see */
export function tlsOf(flags: TlsFlags): Pick<ProxyOptions, "tlsPort" | "certificates"> {
  const { tlsPort, certificate: pairs = [], certificates: folder } = flags;
  const hasFiles = pairs.length > 0 || folder !== undefined;
  if (tlsPort === undefined && hasFiles) {
    throw new PropagitError("BAD_USAGE", "there are certificates, and no port for TLS", {
      hint: "add --tls-port=443",
    });
  }
  return {
    ...(tlsPort !== undefined && { tlsPort }),
    ...(hasFiles && { certificates: { pairs, ...(folder !== undefined && { folder }) } }),
  };
}

/** `HOST,…=CERT,KEY`; without hosts those that the certificate names. */
export function parseCertificate(text: string): NamedPair {
  const at = text.indexOf("=");
  const hosts = at < 0 ? [] : text.slice(0, at).split(",").map(parseHost);
  const [certificate = "", key = certificate, more] = text.slice(at + 1).split(",");
  if (certificate !== "" && key !== "" && more === undefined) return { hosts, certificate, key };
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not of the form HOSTS=CERT,KEY`, {
    hint: "write it like shop.example.com=shop.pem,shop.key, or shop.pem,shop.key",
  });
}

/** A host that a certificate can be for: a name, an address, `*.example.com`, or `*` for any. */
function parseHost(text: string): string {
  const host = text.trim().toLowerCase();
  if (/^(?:\*|(?:\*\.)?[a-z0-9_](?:[a-z0-9._:-]*[a-z0-9_])?)$/.test(host)) return host;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not the name of a host`);
}

/** A whole host name, such as an authority can be asked for. */
export function parseWholeHost(text: string): string {
  const host = text.toLowerCase().replace(/\.$/, "");
  if (host.includes(".") && isName(host)) return host;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is not a whole host name`, {
    hint: "write it like shop.example.com; names beyond ASCII in their xn-- form",
  });
}

/** Which hosts of routes: one, all below one, or all. */
export function parseHostPattern(text: string): string {
  if (text === "*") return text;
  if (!text.startsWith("*.")) return parseWholeHost(text);
  const domain = text.slice(2).toLowerCase().replace(/\.$/, "");
  // Of a company's own authority it may be a single label.
  if (isName(domain)) return `*.${domain}`;
  throw new PropagitError("BAD_USAGE", `${quote(text)} is no pattern for hosts`, {
    hint: "write it like *.example.com, shop.example.com or *",
  });
}

/** RFC 1035. */
function isName(host: string): boolean {
  const isLabel = (label: string) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label);
  return host.length <= 253 && host.split(".").every(isLabel);
}

/** @throws BAD_USAGE when it cannot be read */
export function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("BAD_USAGE", `${path} cannot be read: ${reason}`, { cause: thrown });
  }
}
