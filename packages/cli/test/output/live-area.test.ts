import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LiveArea } from "../../src/output/live-area.js";
import { TestScreen } from "../support/screen.js";

describe("the live area", () => {
  it("draws its lines anew in place, also when they become fewer", () => {
    const screen = new TestScreen();
    const area = new LiveArea(screen);
    screen.write("$ propagit deploy\n");
    area.draw(["webapp", "├─ a", "└─ b"]);
    area.draw(["webapp", "└─ done"]);
    assert.equal(screen.shown, "$ propagit deploy\nwebapp\n└─ done");
  });

  it("lets what is said scroll above it", () => {
    const screen = new TestScreen();
    const area = new LiveArea(screen);
    area.draw(["webapp", "└─ building"]);
    area.say("web-1 | one\nweb-1 | two\n");
    area.draw(["webapp", "└─ building"]);
    assert.equal(screen.shown, "web-1 | one\nweb-1 | two\nwebapp\n└─ building");
  });

  it("cuts lines to the width, and leaves out rows that would scroll away", () => {
    const screen = new TestScreen(10);
    screen.rows = 3;
    new LiveArea(screen).draw(["0123456789abc", "two", "three"]);
    assert.equal(screen.shown, "01234567…\ntwo");
  });

  it("hides the cursor while it is there and shows it again afterwards", () => {
    const screen = new TestScreen();
    const area = new LiveArea(screen);
    area.draw(["webapp"]);
    assert.equal(screen.isCursorHidden, true);
    area.close();
    assert.deepEqual([screen.isCursorHidden, screen.shown], [false, ""]);
    area.draw(["webapp"]);
    area.leave();
    assert.deepEqual([screen.isCursorHidden, screen.shown], [false, "webapp"]);
  });

  it("finds its top again when the terminal became narrower and wrapped its lines", () => {
    const screen = new TestScreen(20);
    const area = new LiveArea(screen);
    screen.write("before\n");
    area.draw(["0123456789", "x"]);
    // As a terminal of 5 columns shows it now.
    const narrow = new TestScreen(5);
    narrow.write("before\n01234\n56789\nx\n");
    screen.write = (text) => narrow.write(text);
    screen.columns = 5;
    area.draw(["new"]);
    assert.equal(narrow.shown, "before\nnew");
  });
});
