import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CertificateChoice } from "../../src/core/certificate-choice.js";

describe("the choice of a certificate", () => {
  const exact = { names: ["shop.example.com"] };
  const wild = { names: ["*.example.com", "example.com"] };
  const late = { names: ["shop.example.com", "*.example.com"] };
  const choice = new CertificateChoice([wild, exact, late]);

  it("prefers the very name, whatever the order", () => {
    assert.equal(choice.find("shop.example.com"), exact);
  });

  it("takes a wildcard for one label in front, and for no more", () => {
    assert.equal(choice.find("blog.example.com"), wild);
    assert.equal(choice.find("a.blog.example.com"), undefined);
    assert.equal(choice.find("example.com"), wild);
  });

  it("finds nothing for names of others, and for none", () => {
    assert.equal(choice.find("example.org"), undefined);
    assert.equal(choice.find(""), undefined);
    assert.equal(choice.find(".example.com"), undefined);
  });
});
