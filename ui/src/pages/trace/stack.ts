// SPDX-License-Identifier: Apache-2.0

// Stack traces, taken apart just far enough to read them well: which lines are
// frames, where a frame's file and line stand, and which frames are the
// runtime's or a library's rather than the service's own. Understands the
// shapes of Java, JavaScript, Python, Go, .NET, Ruby and PHP; anything else
// stays plain lines.

import { visibleText } from "../../base/format";

export interface StackLine {
  /** The line as it came, without its indentation. */
  text: string;
  indent: number;
  kind: "message" | "frame";
  /** Part of `text` that is file and line, as [from, to). */
  place?: [number, number];
  /** The frame is not the service's own code. */
  library: boolean;
}

const framePatterns: RegExp[] = [
  /^at .+\((?<place>[^()]*:\d+(?::\d+)?|Native Method|Unknown Source|<anonymous>)\)/, // Java, JavaScript
  /^at .+ in (?<place>.+:line \d+)$/, // .NET
  /^at (?<place>\S+:\d+:\d+)$/, // JavaScript without a function
  /^at \S+/, // the same without a place
  /^File "(?<place>[^"]+", line \d+)/, // Python
  /^(?<place>\/?[\w./@+~-]+\.go:\d+)(?: \+0x[0-9a-f]+)?$/, // Go
  /^from (?<place>\S+:\d+):in /, // Ruby
  /^(?<place>\S+\.rb:\d+):in /,
  /^#\d+ (?<place>\S+\(\d+\)): /, // PHP
  /^\.\.\. \d+ (?:more|common frames omitted)/,
];

const libraryPattern =
  /(^at (?:java|javax|jdk|sun|com\.sun|kotlin|scala|org\.springframework|org\.apache|org\.hibernate|io\.netty|reactor|io\.opentelemetry|System|Microsoft)\.)|(^at java\.base\/)|node:internal|\/node_modules\/|\/site-packages\/|\/lib\/python\d|\/usr\/local\/go\/src\/|\/go\/pkg\/mod\/|\/gems\/|\/vendor\/|Native Method|^\.\.\. \d+/;

/** Go prints a call on one line and its place on the next. */
const goCall = /^(?:[\w./-]+\.)+(?:\(\*?\w+\)\.)?[\w.·-]+(?:\[\.\.\.\])?\(.*\)$/;

export function parseStack(stack: string): StackLine[] {
  const lines = visibleText(stack, true).replace(/\r/g, "").replace(/\n+$/, "").split("\n");
  return lines.map((raw, i) => {
    const text = raw.trim();
    const indent = /^\s*/.exec(raw)![0].replace(/\t/g, "    ").length;
    for (const pattern of framePatterns) {
      const match = pattern.exec(text);
      if (match === null) continue;
      const place = match.groups?.["place"];
      const at = place === undefined ? -1 : text.indexOf(place);
      return { text, indent, kind: "frame", library: libraryPattern.test(text), ...(at >= 0 ? { place: [at, at + place!.length] as [number, number] } : {}) };
    }
    const next = lines[i + 1]?.trim() ?? "";
    if (goCall.test(text) && /^\S+\.go:\d+/.test(next)) return { text, indent, kind: "frame", library: libraryPattern.test(next) };
    return { text, indent, kind: "message", library: false };
  });
}
