// SPDX-License-Identifier: Apache-2.0

// What can be done on the search page by key and from the palette.

import type { RefObject } from "react";
import type { Command } from "../../base/commands";
import type { QueryBoxHandle } from "../../widgets/QueryBox";
import { type SearchState, orders } from "./params";
import { presets } from "./range";
import type { SearchRun } from "./useSearch";

interface Context {
  box: RefObject<QueryBoxHandle | null>;
  main: RefObject<HTMLElement | null>;
  state: SearchState;
  run: SearchRun;
  go: (next: Partial<SearchState>) => void;
  again: () => void;
  toggleRow: (traceId: string) => void;
  toggleErrors: () => void;
  openRange: () => void;
  loadMore: () => void;
}

export function searchCommands(c: Context): Command[] {
  const rows = (): HTMLElement[] => [...(c.main.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
  const focused = (): number => rows().findIndex((row) => row.closest("li")?.contains(document.activeElement) === true);
  const step = (by: number): void => {
    const all = rows();
    const at = focused();
    const next = at === -1 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
    all[next]?.focus();
    all[next]?.closest("li")?.scrollIntoView({ block: "nearest" });
  };
  return [
    { id: "search.focus", title: "Edit the query", keys: ["/"], run: () => c.box.current?.focus() },
    { id: "search.again", title: "Run again, up to now", keys: ["r"], run: c.again },
    { id: "search.next", title: "Next trace", keys: ["j", "ArrowDown"], run: () => step(1), enabled: () => c.run.traces.length > 0 },
    { id: "search.previous", title: "Previous trace", keys: ["k", "ArrowUp"], run: () => step(-1), enabled: () => c.run.traces.length > 0 },
    {
      id: "search.open",
      title: "Open the trace",
      keys: ["o"],
      run: () => rows()[focused()]?.click(),
      enabled: () => focused() !== -1,
    },
    {
      id: "search.matches",
      title: "Show the matching spans of the trace",
      keys: ["x"],
      run: () => {
        const id = rows()[focused()]?.dataset["row"];
        if (id !== undefined) c.toggleRow(id);
      },
      enabled: () => focused() !== -1,
    },
    { id: "search.errors", title: "Only errors, or all again", keys: ["e"], run: c.toggleErrors },
    { id: "search.range", title: "Choose the time range", keys: ["t"], run: c.openRange },
    { id: "search.more", title: "Load more traces", keys: ["m"], run: c.loadMore, enabled: () => c.run.more },
    { id: "search.cancel", title: "Cancel the running search", keys: ["Escape"], run: c.run.cancel, enabled: () => c.run.loading },
    ...orders.map((order): Command => {
      return {
        id: `search.order.${order}`,
        title: `Order: ${{ newest: "newest", oldest: "oldest", longest: "longest", errors: "most errors", spans: "most spans" }[order]} first`,
        keys: [],
        run: () => c.go({ order, pages: 1 }),
        enabled: () => c.state.order !== order,
      };
    }),
    ...presets.map((p): Command => {
      return {
        id: `search.range.${p.span}`,
        title: `Time range: ${p.label.toLowerCase()}`,
        keys: [],
        run: () => c.go({ range: { kind: "relative", span: p.span }, pages: 1 }),
      };
    }),
    { id: "search.range.all", title: "Time range: all data", keys: [], run: () => c.go({ range: { kind: "all" }, pages: 1 }) },
  ];
}
