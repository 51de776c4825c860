// SPDX-License-Identifier: Apache-2.0

import { formatDuration, plural } from "../base/format";
import { type Trace, isError, kindOf, notesOf, serviceTitleOf, summaryOf, titleOf } from "../model/trace";
import { div } from "./overview";
import styles from "./traceView.module.css";

/** The card beside the pointer that says what a bar is. */
export class Tooltip {
  readonly #element = div(styles["tooltip"]!);
  readonly #title = div(styles["tooltipTitle"]!);
  readonly #text = document.createElement("span");
  readonly #grid = div(styles["tooltipGrid"]!);
  #row = -1;

  constructor(host: HTMLElement) {
    this.#title.append(this.#text);
    this.#element.append(this.#title, this.#grid);
    this.#element.hidden = true;
    this.#element.setAttribute("aria-hidden", "true");
    host.append(this.#element);
  }

  show(trace: Trace, row: number, token: string, x: number, y: number): void {
    if (row !== this.#row) {
      this.#row = row;
      this.#element.style.setProperty("--service", `var(${token})`);
      const summary = summaryOf(trace, row);
      this.#text.textContent = `${serviceTitleOf(trace, row)} · ${titleOf(trace, row).slice(0, 300)}${summary === "" ? "" : ` · ${summary}`}`;
      const duration = trace.duration[row]!;
      const self = trace.selfTime[row]!;
      const events = trace.eventOff[row + 1]! - trace.eventOff[row]!;
      const facts: [string, string][] = [
        ["Duration", formatDuration(duration)],
        ["Self time", trace.subtree[row] === 0 || duration === 0 ? formatDuration(self) : `${formatDuration(self)} (${Math.round((100 * self) / duration)} %)`],
        ["Starts at", formatDuration(trace.start[row]!)],
        ["Kind", kindOf(trace, row)],
      ];
      if (isError(trace, row)) facts.push(["Status", "error"]);
      if (trace.subtree[row]! > 0) {
        facts.push(["Below", `${plural(trace.subtree[row]!, "span")}${trace.errors[row]! > (isError(trace, row) ? 1 : 0) ? `, ${plural(trace.errors[row]! - (isError(trace, row) ? 1 : 0), "error")}` : ""}`]);
      }
      if (events > 0) facts.push(["Events", String(events)]);
      for (const note of notesOf(trace, row)) facts.push(["Note", note]);
      this.#grid.replaceChildren(...facts.flatMap((pair) => pair.map((t) => {
        const e = document.createElement("span");
        e.textContent = t;
        return e;
      })));
    }
    this.#element.hidden = false;
    const { offsetWidth: w, offsetHeight: h } = this.#element;
    const left = Math.min(x + 14, innerWidth - w - 8);
    const top = y + 18 + h > innerHeight ? y - h - 12 : y + 18;
    this.#element.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
  }

  hide(): void {
    this.#row = -1;
    this.#element.hidden = true;
  }

  destroy(): void {
    this.#element.remove();
  }
}
