// SPDX-License-Identifier: Apache-2.0

import type { ReactElement } from "react";
import { useMemo, useState } from "react";
import { cx } from "../../widgets/controls";
import { CopyButton } from "./CopyButton";
import styles from "./Details.module.css";
import { type StackLine, parseStack } from "./stack";

/** More lines than this wait for a click: a stack overflow has thousands. */
const firstLines = 40;

/** A stack trace with the service's own frames standing out. */
export function StackTrace({ text }: { text: string }): ReactElement {
  const lines = useMemo(() => parseStack(text), [text]);
  const [all, setAll] = useState(false);
  const [libraries, setLibraries] = useState(true);
  const hidden = lines.filter((l) => l.library).length;
  const some = libraries ? lines : lines.filter((l) => !l.library);
  const shown = all ? some : some.slice(0, firstLines);
  return (
    <div className={styles.stack}>
      <div className={styles.stackTools}>
        {hidden > 0 && hidden < lines.length && (
          <button type="button" className={styles.textAction} onClick={() => setLibraries(!libraries)}>
            {libraries ? "Only own frames" : `All frames (${hidden} more)`}
          </button>
        )}
        <CopyButton text={text} label="Copy stack trace" />
      </div>
      <pre className={styles.stackText} tabIndex={0} aria-label="Stack trace">
        {shown.map((line, i) => (
          <Line key={i} line={line} />
        ))}
      </pre>
      {shown.length < some.length && (
        <button type="button" className={styles.textAction} onClick={() => setAll(true)}>
          {some.length - shown.length} more lines
        </button>
      )}
    </div>
  );
}

function Line({ line }: { line: StackLine }): ReactElement {
  const { text, place } = line;
  return (
    <span
      className={cx(line.kind === "message" ? styles.stackMessage : styles.stackFrame, line.library && styles.stackLibrary)}
      style={{ paddingLeft: Math.min(line.indent, 16) * 3 }}
    >
      {place === undefined ? (
        text
      ) : (
        <>
          {text.slice(0, place[0])}
          <span className={styles.stackPlace}>{text.slice(place[0], place[1])}</span>
          {text.slice(place[1])}
        </>
      )}
      {"\n"}
    </span>
  );
}
