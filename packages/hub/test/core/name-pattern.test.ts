import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseNamePattern } from "../../src/core/name-pattern.js";

describe("a pattern for names", () => {
  for (const [pattern, fitting, others] of [
    ["", ["", "web"], []],
    ["web", ["web", "my-web-1"], ["we", "w-eb"]],
    ["^web-\\d+$", ["web-1", "web-12"], ["web-", "web-1a", "my-web-1"]],
    ["^(web|db)-[^1]$", ["web-2", "db-a"], ["web-1", "dbx-2"]],
    ["^a.c$", ["abc", "a.c"], ["ac"]],
    ["^a\\.c$", ["a.c"], ["abc"]],
    ["^(?:ab){2,3}$", ["abab", "ababab"], ["ab", "abababab"]],
    ["^a{2}$", ["aa"], ["a", "aaa"]],
    ["^a{2,}?$", ["aa", "aaaa"], ["a"]],
    ["^(a*)*b?$", ["", "aaa", "ab"], ["ba"]],
    ["^(|a)$", ["", "a"], ["b"]],
    ["^[a-c\\]-]+$", ["a-b", "]"], ["d"]],
    ["\\w\\W\\w", ["a.b"], ["a_b"]],
  ] as const) {
    it(`/${pattern}/ fits as it does in JavaScript`, () => {
      const fits = parseNamePattern(pattern);
      const real = new RegExp(pattern);
      for (const name of [...fitting, ...others]) assert.equal(fits(name), real.test(name), name);
      assert.deepEqual(fitting.filter(fits), fitting);
      assert.deepEqual(others.filter(fits), []);
    });
  }

  for (const [pattern, why] of [
    ["(a", /leaves a parenthesis open/],
    ["a)", /closes what is not open/],
    ["*a", /has \* after nothing/],
    ["a**", /has \* after nothing/],
    ["a{3,2}", /has a wrong \{3,2\}/],
    ["a{1000}", /has a wrong \{1000\}/],
    ["(?=a)", /looks around/],
    ["(a)\\1", /is not known here/],
    ["[b-a]", /has a wrong \[b-a\]/],
    ["[a", /is not known here/],
    ["a\\", /is not known here/],
    ["(".repeat(30), /nested too deeply/],
    ["a".repeat(251), /is over 250 long/],
    ["(((((a*)*)*)*)*)*", /repeats repeats too often/],
  ] as const) {
    it(`/${pattern.slice(0, 10)}/ is refused: ${why.source}`, () => {
      assert.throws(() => parseNamePattern(pattern), { code: "BAD_PATTERN", message: why });
    });
  }

  it("is no match for those that were built to take for ever", () => {
    const name = `${"a".repeat(62)}!`;
    for (const evil of [
      "^(a+)+$",
      "^(a|a)*$",
      "^(a*)*$",
      "^(((a?){64}){64}){64}$",
      "^a*a*a*a*a*a*$",
      "^((((a*)*)*)*b)$",
    ]) {
      const fits = parseNamePattern(evil);
      // Time of the processor: this machine may be busy with other things too.
      const began = process.cpuUsage();
      assert.ok(!fits(name));
      assert.ok(process.cpuUsage(began).user < 2_000_000, evil);
    }
  });

  it("fits whatever JavaScript's fits", () => {
    const { tree } = fc.letrec<{ tree: string; atom: string }>((tie) => ({
      atom: fc.oneof(
        { maxDepth: 2 },
        fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\w", "^", "$"),
        // Not repeated without end: JavaScript itself could take for ever over that.
        fc
          .tuple(tie("tree"), fc.constantFrom("", "?", "{2}"))
          .map(([inner, times]) => `(?:${inner})${times}`),
      ),
      tree: fc
        .array(
          fc
            .tuple(
              tie("atom"),
              fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"),
              fc.constantFrom("", "", "|"),
            )
            .map(([atom, times, or]) => `${/^[\^$(]/.test(atom) ? atom : atom + times}${or}`),
          { maxLength: 4 },
        )
        .map((parts) => parts.join("")),
    }));
    fc.assert(
      fc.property(tree, fc.stringMatching(/^[abc]{0,6}$/), (pattern, name) => {
        fc.pre(pattern.length <= 250);
        assert.equal(parseNamePattern(pattern)(name), new RegExp(pattern).test(name));
      }),
      { numRuns: 2_000 },
    );
  });
});
