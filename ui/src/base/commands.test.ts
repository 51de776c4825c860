// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom

import { beforeEach, describe, expect, test } from "vitest";
import { type Command, CommandRegistry, formatKeys } from "./commands";

let registry: CommandRegistry;
let ran: string[];
let clock: number;

const command = (id: string, keys: string[], more: Partial<Command> = {}): Command => ({ id, title: id, keys, run: () => ran.push(id), ...more });

function press(key: string, more: KeyboardEventInit & { target?: EventTarget } = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, cancelable: true, ...more });
  Object.defineProperty(event, "timeStamp", { value: (clock += 10) });
  if (more.target !== undefined) Object.defineProperty(event, "target", { value: more.target });
  registry.handleKey(event);
  return event;
}

beforeEach(() => {
  registry = new CommandRegistry(false);
  ran = [];
  clock = 0;
});

describe("keys", () => {
  test("characters, named keys, modifiers, physical keys", () => {
    registry.registerCommands("s", [
      command("down", ["j", "ArrowDown"]),
      command("help", ["?"]),
      command("palette", ["mod+k"]),
      command("previous", ["N"]),
      command("next", ["n"]),
      command("zoom", ["code:KeyW"]),
      command("far", ["shift+code:KeyW"]),
      command("space", [" "]),
    ]);
    press("j");
    press("ArrowDown");
    press("?", { shiftKey: true });
    press("k", { ctrlKey: true });
    press("N", { shiftKey: true });
    press("n");
    press("z", { code: "KeyW" }); // where a French keyboard has Z
    press("Z", { code: "KeyW", shiftKey: true });
    press(" ");
    expect(ran).toEqual(["down", "down", "help", "palette", "previous", "next", "zoom", "far", "space"]);
  });

  test("a modifier that is not named makes it another key", () => {
    registry.registerCommands("s", [command("reload", ["r"]), command("down", ["ArrowDown"])]);
    const event = press("r", { ctrlKey: true });
    press("r", { altKey: true });
    press("ArrowDown", { shiftKey: true });
    expect(ran).toEqual([]);
    expect(event.defaultPrevented).toBe(false);
  });

  test("on a Mac mod is ⌘", () => {
    registry = new CommandRegistry(true);
    registry.registerCommands("s", [command("palette", ["mod+k"])]);
    press("k", { ctrlKey: true });
    press("k", { metaKey: true });
    expect(ran).toEqual(["palette"]);
  });

  test("two in sequence, and not after a pause or another key", () => {
    registry.registerCommands("s", [command("search", ["g s"]), command("pan", ["s"])]);
    press("g");
    press("s");
    press("s");
    press("g");
    clock += 5000;
    press("s");
    press("g");
    press("x");
    press("s");
    expect(ran).toEqual(["search", "pan", "pan", "pan"]);
  });

  test("text fields keep their keys", () => {
    registry.registerCommands("s", [command("down", ["j"]), command("palette", ["mod+k"], { inFields: true })]);
    const input = document.createElement("input");
    press("j", { target: input });
    press("k", { ctrlKey: true, target: input });
    const box = document.createElement("input");
    box.type = "checkbox";
    press("j", { target: box });
    expect(ran).toEqual(["palette", "down"]);
  });
});

describe("scopes", () => {
  test("the newest wins, and leaves with its page", () => {
    registry.registerCommands("app", [command("app.x", ["x"])]);
    const dispose = registry.registerCommands("page", [command("page.x", ["x"])]);
    press("x");
    dispose();
    press("x");
    expect(ran).toEqual(["page.x", "app.x"]);
  });

  test("a disabled command lets others have the key", () => {
    registry.registerCommands("app", [command("app.x", ["x"])]);
    registry.registerCommands("page", [command("page.x", ["x"], { enabled: () => false })]);
    press("x");
    expect(ran).toEqual(["app.x"]);
    expect(registry.run("page.x")).toBe(false);
    expect(registry.run("app.x")).toBe(true);
  });

  test("the list is the same array until something changes", () => {
    const before = registry.list();
    expect(registry.list()).toBe(before);
    let told = 0;
    const stop = registry.subscribe(() => told++);
    registry.registerCommands("s", [command("a", [])]);
    expect(registry.list()).not.toBe(before);
    stop();
    registry.registerCommands("s", [command("b", [])]);
    expect(told).toBe(1);
    expect(registry.list().map((c) => c.id)).toEqual(["b", "a"]);
  });
});

test("keys as people read them", () => {
  expect(["mod+k", "ArrowUp", "g s", "code:KeyW", "shift+code:KeyA", "?", " "].map((k) => formatKeys(k, false))).toEqual([
    "Ctrl K", "↑", "g then s", "W", "Shift A", "?", "Space",
  ]);
  expect(formatKeys("mod+k", true)).toBe("⌘ K");
});
