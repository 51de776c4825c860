// SPDX-License-Identifier: Apache-2.0

// A failed search: the server's words, and for a TraceQL error the query with
// a caret under the place it speaks of.

import { CircleAlert } from "lucide-react";
import type { ReactElement } from "react";
import { utf16Offset } from "../../lang/advice";
import { Button } from "../../widgets/controls";
import type { ApiError } from "../../wire/client";
import styles from "./QueryError.module.css";

interface Props {
  error: ApiError;
  query: string;
  onRetry: () => void;
  /** Moves the caret of the query box; offset in UTF-16 units. */
  onShow: (offset: number) => void;
}

export interface Caret {
  /** The line of the query that holds the error. */
  readonly line: string;
  /** Columns of the caret in that line, in characters as displayed. */
  readonly column: number;
  readonly length: number;
  /** UTF-16 offset in the whole query. */
  readonly offset: number;
}

/** Characters, not UTF-16 units: one column each in a monospaced line. */
function columns(text: string): number {
  return Array.from(text).length;
}

/** Where to put the caret for byte offsets [from, to) in query. */
export function caretFor(query: string, position: { from: number; to: number }): Caret {
  const from = utf16Offset(query, position.from);
  const to = Math.max(from, utf16Offset(query, position.to));
  const lineStart = query.lastIndexOf("\n", from - 1) + 1;
  const nextBreak = query.indexOf("\n", from);
  const lineEnd = nextBreak === -1 ? query.length : nextBreak;
  return {
    line: query.slice(lineStart, lineEnd),
    column: columns(query.slice(lineStart, from)),
    length: Math.max(1, columns(query.slice(from, Math.min(to, lineEnd)))),
    offset: from,
  };
}

export function QueryError({ error, query, onRetry, onShow }: Props): ReactElement {
  const caret = error.position === undefined ? null : caretFor(query, error.position);
  return (
    <section className={styles.panel} role="alert">
      <CircleAlert size={17} aria-hidden="true" className={styles.icon} />
      <div className={styles.body}>
        <p className={styles.message}>{sentence(error.message)}</p>
        {caret !== null && (
          <pre className={styles.code}>
            {caret.line}
            {"\n"}
            <span className={styles.caret}>
              {" ".repeat(caret.column)}
              {"^".repeat(caret.length)}
            </span>
          </pre>
        )}
        {error.hint !== "" && <p className={styles.hint}>{sentence(error.hint)}</p>}
        <div className={styles.actions}>
          {caret !== null ? (
            <Button small onClick={() => onShow(caret.offset)}>
              Go to column {caret.column + 1}
            </Button>
          ) : (
            <Button small onClick={onRetry}>
              Try again
            </Button>
          )}
        </div>
      </div>
    </section>
  );
}

/** The message as a sentence: the server's errors begin in lower case and end without a stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const first = /^[a-z]+[ ,:]/.test(trimmed) ? trimmed[0]!.toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.!?:]$/.test(first) ? first : `${first}.`;
}
