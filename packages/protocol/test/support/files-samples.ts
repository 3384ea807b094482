/** Samples of what is said of files, with every optional field. */
import type {
  FilesChanges,
  FilesExample,
  FilesPlace,
  filesDroneMethods,
  filesMethods,
} from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at, commit } from "./values.js";

const path = "/srv/site";
const carrier = "40548da2f0d6a1d4e1b2c3a4f5e6d7c8b9a0f1e2";

const changes: FilesChanges = {
  added: 2,
  changed: 1,
  removed: 3,
  unchanged: 997,
  bytes: 12_345,
  foreign: 1,
};

const examples: FilesExample[] = [{ what: "change", path: "assets/a.css" }];

const place: FilesPlace = {
  path,
  commit,
  at,
  by: "ann@laptop",
  files: 1_000,
  bytes: 1_048_576,
  state: "changed",
  verified: true,
  changed: 1,
  missing: 0,
  foreign: 2,
  examples,
};

export const filesSamples: SamplesOf<keyof typeof filesMethods> = {
  "hub.files-push": {
    params: {
      target: { names: ["web-1"], selector: "role=web" },
      path,
      commit,
      replace: true,
      force: false,
      dryRun: false,
      by: "ann@laptop",
      run: "0123456789",
    },
    part: {
      drone: "web-1",
      outcome: "failed",
      path,
      changes,
      examples,
      code: "DATA_UNUSABLE",
      reason: "/srv/site cannot be written: ENOSPC",
      hint: "free some",
    },
    result: { drones: 1 },
  },
  "hub.files-list": {
    params: { target: { names: ["*"] }, path, verify: true },
    part: [{ drone: "web-2", path, commit, at, by: "ann@laptop", reason: "it is not connected" }],
    result: { rows: [{ drone: "web-1", path, place }] },
  },
};

export const filesDroneSamples: SamplesOf<keyof typeof filesDroneMethods> = {
  "drone.files": {
    params: { path, commit, carrier, replace: false, force: false, dryRun: true, by: "ann@laptop" },
    part: { phase: "writing", done: 12, of: 1_000 },
    result: { path, changes, examples },
  },
  "drone.files-status": {
    params: { path, verify: true },
    part: [place],
    result: { places: [place] },
  },
};
