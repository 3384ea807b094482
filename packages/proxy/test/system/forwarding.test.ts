import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../support/ask.js";
import { app, startApp, startRig } from "../support/rig.js";
import { commitA } from "../support/samples.js";

test("sends a visitor of the repository's host name to the promoted commit", async (t) => {
  const { port } = await startApp(t, (request, response) => response.end(`hello ${request.url}`));
  const rig = await startRig(t, { endpoints: [app(port)] });
  const answer = await ask(rig.port, { path: "/path?q=1" });
  assert.deepEqual(
    [answer.status, answer.body, answer.headers["x-propagit-commit"]],
    [200, "hello /path?q=1", commitA],
  );
});
