/** Samples of what travels about certificates, with every optional field. */
import type {
  AcmeSummary,
  certificateMethods,
  CertificateSummary,
  Challenge,
  Telling,
} from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at, base64 } from "./values.js";

const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const id = "0d1c2b3a49586776";

const summary: CertificateSummary = {
  id,
  names: ["shop.example.com", "*.example.com"],
  source: "acme",
  state: "failing",
  issuer: "Let's Encrypt R11",
  notBefore: at,
  notAfter: at + 7_776_000_000,
  nextAt: at + 5_184_000_000,
  failures: 2,
  error: "the authority could not reach http://shop.example.com",
  by: "ann",
  since: at,
};

const acme: AcmeSummary = {
  directory: "https://acme-v02.api.letsencrypt.org/directory",
  email: "ann@example.com",
  challenge: "http-01",
  hosts: ["shop.example.com"],
  allow: ["*.example.com"],
  pausedUntil: at + 60_000,
  by: "ann",
  since: at,
};

const challenge: Challenge = {
  host: "shop.example.com",
  kind: "tls-alpn-01",
  token: "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
  keyAuthorization: "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDf",
  certificate: pem,
  key: base64,
};

export const certificateSamples: SamplesOf<keyof typeof certificateMethods> = {
  "hub.certificates": {
    params: {},
    part: [summary],
    result: { certificates: [summary], acme },
  },
  "hub.certificate-add": {
    params: { certificate: pem, key: base64, by: "ann" },
    result: summary,
  },
  "hub.certificate-remove": {
    params: { name: "*.example.com", by: "ann" },
    result: { removed: [summary] },
  },
  "hub.acme": {
    params: {
      directory: acme.directory,
      email: "ann@example.com",
      agree: true,
      authority: pem,
      challenge: "http-01",
      addHosts: ["shop.example.com"],
      dropHosts: ["old.example.com"],
      addAllow: ["*.example.com"],
      dropAllow: ["*"],
      by: "ann",
    },
    result: acme,
  },
  "hub.certificate-renew": {
    params: { hosts: ["shop.example.com"], by: "ann" },
    result: { hosts: ["shop.example.com"] },
  },
  "hub.certificate-book": {
    params: { keys: true },
    part: {
      revision: 7,
      whole: true,
      certificates: [
        {
          id,
          names: summary.names,
          source: "acme",
          notAfter: at,
          certificate: pem,
          key: base64,
        },
      ],
      dropped: [id],
      challenges: [challenge],
      ticketKeys: base64,
      more: true,
    },
    result: {},
  },
};

export const certificateTellingSamples: {
  readonly "hub.certificate-book-taken": Telling<"hub.certificate-book-taken">;
} = { "hub.certificate-book-taken": { revision: 7 } };
