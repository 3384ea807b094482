import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseQuestion, sayEnd, sayLines } from "../../src/core/push-hook.js";

const [none, one, two] = ["0".repeat(40), "1".repeat(40), "2".repeat(40)];

const asked = [
  "pre-receive",
  "/data/repos/webapp.git/./objects/tmp_objdir-incoming-x",
  "/data/repos/webapp.git/./objects",
  "/data/repos/webapp.git/./objects/tmp_objdir-incoming-x",
  "option env=staging",
  "option ",
  "",
  `${none} ${one} refs/heads/new`,
  `${one} ${two} refs/heads/moved`,
  `${two} ${none} refs/tags/gone`,
  "",
  "",
].join("\n");

test("a question is where the objects are, the options and what is to be moved", () => {
  assert.deepEqual(parseQuestion(`${asked}more`), {
    question: {
      hook: "pre-receive",
      quarantine: {
        GIT_OBJECT_DIRECTORY: "/data/repos/webapp.git/./objects/tmp_objdir-incoming-x",
        GIT_ALTERNATE_OBJECT_DIRECTORIES: "/data/repos/webapp.git/./objects",
        GIT_QUARANTINE_PATH: "/data/repos/webapp.git/./objects/tmp_objdir-incoming-x",
      },
      options: ["env=staging", ""],
      changes: [
        { ref: "refs/heads/new", oldId: undefined, newId: one },
        { ref: "refs/heads/moved", oldId: one, newId: two },
        { ref: "refs/tags/gone", oldId: two, newId: undefined },
      ],
    },
    rest: "more",
  });
});

test("a question without a quarantine and options is one too", () => {
  const question = parseQuestion(`post-receive\n\n\n\n\n${none} ${one} refs/heads/x\n\n`)?.question;
  assert.deepEqual(question?.quarantine, {});
  assert.deepEqual(question.options, []);
  assert.equal(question.changes.length, 1);
});

test("nothing is believed of a question before it is whole", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: asked.length - 1 }), (length) => {
      assert.equal(parseQuestion(asked.slice(0, length)), undefined);
    }),
  );
});

test("what no hook of ours says is no question", () => {
  const strange = `update\n\n\n\n\n${none} ${one} refs/heads/x\n\n`;
  assert.deepEqual(parseQuestion(strange), { question: undefined, rest: "" });
  const halfChange = `pre-receive\n\n\n\n\nevil refs/heads/x\n\n`;
  assert.deepEqual(parseQuestion(halfChange), { question: undefined, rest: "" });
});

test("whatever is said, each line is one, and nothing in it reaches into a terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      for (const line of sayLines(text).split("\n").slice(0, -1)) {
        assert.match(line, /^say /);
        assert.doesNotMatch(line, /\p{Cc}/u);
      }
    }),
  );
  assert.equal(sayLines("one\ntwo\u001b[2J"), "say one\nsay two [2J\n");
  assert.equal(sayEnd(true) + sayEnd(false), "end 0\nend 1\n");
});
