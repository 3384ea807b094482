/** Samples of what is said by hand about traffic, with every optional field. */
import type { hubMethods, RouteView } from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at, by, commit, deploymentId } from "./values.js";

const repo = "webapp";
const environment = "staging";
const place = { repo, environment, by };
const condition = {
  header: { name: "X-Team", values: ["qa"] },
  cookie: { name: "staff" },
  percent: 10,
};
const variants = [
  { name: "a", weight: 50 },
  { name: "b", weight: 50, commit, deployment: deploymentId },
];
const host = {
  host: "*.example.com",
  path: "/api",
  service: "api",
  rewrite: "/",
  rules: { bodyBytesMax: 1_000 },
};
const byHand = { from: "hand", by, since: at } as const;

const routeView: RouteView = {
  repo,
  environment,
  shares: [{ commit, deployment: deploymentId, weight: 1 }],
  hosts: [
    { route: host, origin: byHand },
    {
      route: { host: "old.example.com", redirect: { to: "https://example.com/*", status: 308 } },
      origin: { from: "manifest", release: 12 },
    },
  ],
  rules: { pause: { limitMs: 30_000, by, since: at }, users: [{ name: "ann", hash: "" }] },
  origins: [
    { rule: "pause", origin: byHand },
    { rule: "rate", origin: byHand },
  ],
  experiments: [
    {
      name: "header",
      variants,
      rules: [{ when: condition, variant: "b" }],
      audience: condition,
      by,
      since: at,
    },
  ],
  shadow: { shadow: { commit, deployment: deploymentId, percent: 5 }, origin: byHand },
};

export const ruleSamples = {
  "hub.route": {
    params: { repo, environment },
    part: [routeView],
    result: { routes: [routeView] },
  },
  "hub.rules": {
    params: {
      ...place,
      set: { pause: { limitMs: 30_000 } },
      off: ["rate"],
      unset: ["deny"],
      end: ["maintenance"],
    },
    result: routeView,
  },
  "hub.host": {
    params: { ...place, add: host, remove: { host: "example.com", path: "/shop" } },
    result: routeView,
  },
  "hub.access": {
    params: { ...place, add: { name: "ann", hash: "scrypt$16384$8$5$c2FsdA$a2V5" }, remove: "bob" },
    result: routeView,
  },
  "hub.experiment-start": {
    params: {
      ...place,
      name: "header",
      variants: [
        { name: "a", weight: 50 },
        { name: "b", weight: 50, ref: "40548da" },
      ],
      rules: [{ when: condition, variant: "b" }],
      audience: condition,
    },
    result: routeView,
  },
  "hub.experiment-stop": {
    params: { ...place, name: "header", promote: "b" },
    result: routeView,
  },
  "hub.shadow": {
    params: { ...place, to: { ref: "40548da", percent: 5 } },
    result: routeView,
  },
} satisfies Partial<SamplesOf<keyof typeof hubMethods>>;
