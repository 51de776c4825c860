// SPDX-License-Identifier: Apache-2.0

// Everything the trace page can do by key. The palette and the help sheet are
// made from this list.

import type { Command } from "../../base/commands";
import type { TraceView } from "../../canvas/traceView";

export interface TraceCommandContext {
  view: () => TraceView | undefined;
  find: () => HTMLInputElement | null;
  only: boolean;
  setOnly: (on: boolean) => void;
  path: boolean;
  setPath: (on: boolean) => void;
  text: string;
  clearText: () => void;
  nextError: (direction: 1 | -1) => void;
  /** Absent where all clocks agree. */
  align?: () => void;
  reload: () => void;
}

export function traceCommands(c: TraceCommandContext): Command[] {
  const on = (f: (view: TraceView) => void) => (): void => {
    const view = c.view();
    if (view !== undefined) f(view);
  };
  const rows = "Rows";
  const time = "Time";
  const tree = "Tree";
  const finding = "Finding";
  return [
    { id: "trace.down", title: "Next row", group: rows, keys: ["ArrowDown", "j"], run: on((v) => v.move(1)) },
    { id: "trace.up", title: "Previous row", group: rows, keys: ["ArrowUp", "k"], run: on((v) => v.move(-1)) },
    { id: "trace.pageDown", title: "One page down", group: rows, keys: ["PageDown"], run: on((v) => v.movePage(1)) },
    { id: "trace.pageUp", title: "One page up", group: rows, keys: ["PageUp"], run: on((v) => v.movePage(-1)) },
    { id: "trace.first", title: "First row", group: rows, keys: ["Home"], run: on((v) => v.moveTo("first")) },
    { id: "trace.last", title: "Last row", group: rows, keys: ["End"], run: on((v) => v.moveTo("last")) },

    { id: "trace.left", title: "Fold, or go to the parent", group: tree, keys: ["ArrowLeft"], run: on((v) => v.left()) },
    { id: "trace.right", title: "Unfold, or go to the first child", group: tree, keys: ["ArrowRight"], run: on((v) => v.right()) },
    {
      id: "trace.toggle", title: "Fold or unfold", group: tree, keys: ["Enter"],
      // Enter on a focused button presses that button.
      enabled: () => !(document.activeElement instanceof HTMLButtonElement || document.activeElement instanceof HTMLAnchorElement) && (c.view()?.selected ?? -1) >= 0,
      run: on((v) => v.fold(v.selected, v.rows.collapsed[v.selected] === 0)),
    },
    { id: "trace.levelLess", title: "Show one level less", group: tree, keys: ["["], run: on((v) => v.changeLevel(-1)) },
    { id: "trace.levelMore", title: "Show one level more", group: tree, keys: ["]"], run: on((v) => v.changeLevel(1)) },
    { id: "trace.foldAll", title: "Fold all", group: tree, keys: ["{"], run: on((v) => v.setDepth(0)) },
    { id: "trace.unfoldAll", title: "Unfold all", group: tree, keys: ["}"], run: on((v) => v.expandAll()) },
    ...Array.from({ length: 9 }, (_, i): Command => {
      const depth = i + 1;
      return {
        id: `trace.depth${depth}`, title: depth === 1 ? "Show so many levels (1–9)" : `Show ${depth} levels`, group: tree, keys: [String(depth)],
        hidden: depth > 1, run: on((v) => v.setDepth(depth - 1)),
      };
    }),

    { id: "trace.zoomIn", title: "Zoom in at the pointer", group: time, keys: ["code:KeyW"], run: on((v) => v.zoom(0.7)) },
    { id: "trace.zoomOut", title: "Zoom out", group: time, keys: ["code:KeyS"], run: on((v) => v.zoom(1 / 0.7)) },
    { id: "trace.panLeft", title: "Earlier", group: time, keys: ["code:KeyA"], run: on((v) => v.pan(-0.15)) },
    { id: "trace.panRight", title: "Later", group: time, keys: ["code:KeyD"], run: on((v) => v.pan(0.15)) },
    { id: "trace.panLeftFar", title: "Much earlier", group: time, keys: ["shift+code:KeyA"], run: on((v) => v.pan(-0.8)) },
    { id: "trace.panRightFar", title: "Much later", group: time, keys: ["shift+code:KeyD"], run: on((v) => v.pan(0.8)) },
    { id: "trace.focus", title: "Fit the selected span; again: the whole trace", group: time, keys: ["f"], run: on((v) => v.focusRow(v.selected, "key")) },
    { id: "trace.fit", title: "The whole trace", group: time, keys: ["0"], run: on((v) => v.fitAll()) },
    { id: "trace.zoomMeasure", title: "Zoom to the measured interval", group: time, keys: ["z"], enabled: () => c.view()?.measured !== undefined, run: on((v) => v.zoomToMeasure()) },

    {
      id: "trace.find", title: "Find in trace", group: finding, keys: ["/", "mod+f"],
      run: () => {
        c.find()?.focus();
        c.find()?.select();
      },
    },
    { id: "trace.nextMatch", title: "Next match", group: finding, keys: ["n"], run: on((v) => v.nextMatch(1)) },
    { id: "trace.previousMatch", title: "Previous match", group: finding, keys: ["N"], run: on((v) => v.nextMatch(-1)) },
    { id: "trace.only", title: c.only ? "Show all rows" : "Show matches only", group: finding, keys: ["m"], run: () => c.setOnly(!c.only) },
    { id: "trace.nextError", title: "Next error", group: finding, keys: ["e"], run: () => c.nextError(1) },
    { id: "trace.previousError", title: "Previous error", group: finding, keys: ["E"], run: () => c.nextError(-1) },
    { id: "trace.path", title: "Critical path", group: finding, keys: ["c"], run: () => c.setPath(!c.path) },

    { id: "trace.align", title: "Align clocks that disagree, or show times as sent", group: time, keys: ["l"], enabled: () => c.align !== undefined, run: () => c.align?.() },
    { id: "trace.reload", title: "Load the trace again", group: rows, keys: ["r"], run: c.reload },
    {
      id: "trace.escape", title: "Undo: measurement, search, selection, zoom", group: rows, keys: ["Escape"],
      run: on((v) => {
        if (v.measured !== undefined) v.clearMeasure();
        else if (c.text !== "") c.clearText();
        else if (v.selected >= 0) v.select(-1, "key");
        else if (v.zoomed) v.fitAll();
      }),
    },
  ];
}
