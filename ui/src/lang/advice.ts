// SPDX-License-Identifier: Apache-2.0

// Completion and diagnostics come from the server's parser, the only judge of
// the language. One answer serves both, so equal questions are asked once.

import type { CompleteResponse } from "../wire/api";

/** Asks the server about a query with the caret at `cursor` (UTF-16 offset). */
export type Advisor = (q: string, cursor: number) => Promise<CompleteResponse>;

/** An advisor that remembers its last few answers; failures are not remembered. */
export function rememberingAdvisor(ask: Advisor, keep = 8): Advisor {
  const answers = new Map<string, Promise<CompleteResponse>>();
  return (q, cursor) => {
    const key = `${cursor}\n${q}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = ask(q, cursor);
    answers.set(key, answer);
    answer.catch(() => answers.delete(key));
    if (answers.size > keep) answers.delete(answers.keys().next().value as string);
    return answer;
  };
}

/** The UTF-16 offset of a UTF-8 byte offset in text; offsets inside a character go to its start. */
export function utf16Offset(text: string, bytes: number): number {
  let seen = 0;
  let units = 0;
  for (const ch of text) {
    const code = ch.codePointAt(0)!;
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (seen + size > bytes) return units;
    seen += size;
    units += ch.length;
  }
  return units;
}
