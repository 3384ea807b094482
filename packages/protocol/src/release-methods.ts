/** What people call on the hub about releases and settings. */
import * as Type from "typebox";
import { by, environment, nothing, reference } from "./hub-params.js";
import {
  releaseDetailSchema,
  releaseDifferenceSchema,
  releaseSummarySchema,
  rolloutProgressSchema,
  rolloutResultSchema,
  settingSchema,
} from "./release.js";
import { commit, count, exact, list, name, oneOf, text } from "./shape.js";
import { eventSchema } from "./vocabulary.js";
import { wavesSchema } from "./waves.js";

export const rollout = {
  part: rolloutProgressSchema,
  result: rolloutResultSchema,
  needs: "cluster",
} as const;

export const releaseMethods = {
  /** Makes a release of a commit and carries it out; it goes on when the caller is gone. */
  "hub.deploy": {
    params: exact({
      repo: text(60),
      ref: reference,
      environment,
      by,
      /** Default: as the manifest says. */
      promote: Type.Optional(Type.Boolean()),
      /** Takes the place of releases that wait in the queue. */
      supersede: Type.Optional(Type.Boolean()),
      /** Default: as the manifest says, otherwise all drones at once. */
      waves: Type.Optional(wavesSchema),
      /** Also where it runs already: its instances are restarted, a few drones at a time. */
      redeploy: Type.Optional(Type.Boolean()),
      /** Ends when it is accepted; the result then is that of `hub.follow`, told to nobody. */
      detach: Type.Optional(Type.Boolean()),
    }),
    ...rollout,
  },
  /** Looks on at a release: what happened so far, then what happens, until its end. */
  "hub.follow": { params: exact({ repo: text(60), environment, release: count }), ...rollout },
  /** A new release out of an old one; default the one that was live before the present one. */
  "hub.rollback": {
    params: exact({
      repo: text(60),
      environment,
      release: Type.Optional(count),
      by,
      supersede: Type.Optional(Type.Boolean()),
      /** Default: as its manifest says, otherwise all drones at once. */
      waves: Type.Optional(wavesSchema),
      detach: Type.Optional(Type.Boolean()),
    }),
    ...rollout,
  },
  /** Ends a release on its way, or in the queue, and puts back what it changed; default the one under way. */
  "hub.cancel": {
    params: exact({ repo: text(60), environment, release: Type.Optional(count), by }),
    ...rollout,
  },
  /** Newest first. */
  "hub.releases": {
    params: exact({
      repo: Type.Optional(text(60)),
      environment,
      last: Type.Integer({ minimum: 1, maximum: 10_000 }),
    }),
    part: list(releaseSummarySchema, 10_000),
    result: exact({ releases: list(releaseSummarySchema, 10_000) }),
    needs: "cluster",
  },
  /** One release; the events that belong to it come as parts. */
  "hub.release": {
    params: exact({ repo: text(60), environment, release: count }),
    part: eventSchema,
    result: releaseDetailSchema,
    needs: "cluster",
  },
  "hub.diff": {
    params: exact({ repo: text(60), environment, from: count, to: count }),
    result: releaseDifferenceSchema,
    needs: "cluster",
  },
  /** A pinned release is never stopped or removed by retention. */
  "hub.pin": {
    params: exact({ repo: text(60), environment, release: count, pinned: Type.Boolean(), by }),
    result: nothing,
    needs: "cluster",
  },
  /** Settings as variables of the instances; each change is a new release unless `deploy` is false. */
  "hub.configure": {
    params: exact({
      repo: text(60),
      environment,
      /** `value` is hidden (`Crypto.encrypt`) under the session's key, for secrets and others alike. */
      set: list(exact({ name: text(128), value: text(50_000), secret: Type.Boolean() }), 500),
      unset: list(text(128), 500),
      deploy: Type.Boolean(),
      by,
    }),
    part: rolloutProgressSchema,
    result: exact({
      changed: list(text(128), 1_000),
      /** Absent when nothing is deployed there yet, or `deploy` is false, or nothing changed. */
      rollout: Type.Optional(rolloutResultSchema),
    }),
    needs: "cluster",
  },
  "hub.settings": {
    params: exact({ repo: text(60), environment }),
    result: exact({
      settings: list(settingSchema, 1_000),
      /** Changed since the newest release. */
      pending: list(text(128), 1_000),
    }),
    needs: "cluster",
  },
  /** What retention would stop and remove, and why the rest stays; without `dryRun` it does so. */
  "hub.reap": {
    params: exact({ repo: Type.Optional(text(60)), dryRun: Type.Boolean(), by }),
    result: exact({
      releases: list(
        exact({
          repo: name,
          environment: name,
          number: count,
          commit,
          action: oneOf("stop", "remove", "stay"),
          why: text(500),
        }),
        10_000,
      ),
    }),
    needs: "cluster",
  },
} as const;
