// SPDX-License-Identifier: Apache-2.0

// The TraceQL box. The editor is a chunk of its own; until it is there, a plain
// text field with the same text does the job.

import type { ReactElement, Ref } from "react";
import { useEffect, useImperativeHandle, useRef, useState } from "react";
import type { Advisor } from "../lang/advice";
import type { QueryEditor } from "../lang/editor";
import styles from "./QueryBox.module.css";

export interface QueryBoxHandle {
  focus(): void;
  moveTo(offset: number): void;
}

interface Props {
  text: string;
  label: string;
  placeholder: string;
  advise: Advisor;
  pastQueries: () => readonly string[];
  invalid: boolean;
  onChange: (text: string) => void;
  onSubmit: (text: string) => void;
  ref?: Ref<QueryBoxHandle>;
}

export function QueryBox({ ref, ...props }: Props): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const plain = useRef<HTMLInputElement>(null);
  const editor = useRef<QueryEditor | null>(null);
  const latest = useRef(props);
  const [ready, setReady] = useState(false);

  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    let gone = false;
    void import("../lang/editor").then(({ createQueryEditor }) => {
      if (gone || host.current === null) return;
      const now = latest.current;
      const hadFocus = document.activeElement === plain.current;
      editor.current = createQueryEditor({
        parent: host.current,
        text: now.text,
        label: now.label,
        placeholder: now.placeholder,
        advise: (q, cursor) => latest.current.advise(q, cursor),
        pastQueries: () => latest.current.pastQueries(),
        onChange: (text) => latest.current.onChange(text),
        onSubmit: (text) => latest.current.onSubmit(text),
      });
      setReady(true);
      if (hadFocus) editor.current.focus();
    });
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);

  useEffect(() => editor.current?.setText(props.text), [props.text]);

  useImperativeHandle(ref, () => ({
    focus: () => (editor.current ?? plain.current)?.focus(),
    moveTo: (offset) => editor.current?.moveTo(offset),
  }));

  return (
    <div className={styles.box} data-invalid={props.invalid || undefined}>
      <div ref={host} className={styles.host} hidden={!ready} />
      {!ready && (
        <input
          ref={plain}
          className={styles.plain}
          value={props.text}
          placeholder={props.placeholder}
          aria-label={props.label}
          spellCheck={false}
          autoComplete="off"
          onChange={(e) => props.onChange(e.target.value)}
          onKeyDown={(e) => {
            if (e.key === "Enter") props.onSubmit(e.currentTarget.value);
          }}
        />
      )}
    </div>
  );
}
