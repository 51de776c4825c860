// SPDX-License-Identifier: Apache-2.0

// A snippet to copy. Works where the clipboard API does not (plain http on
// another host): then the text is selected and the old copy command is used.

import { Check, Copy } from "lucide-react";
import type { ReactElement } from "react";
import { useRef, useState } from "react";
import styles from "./CodeBlock.module.css";
import { Button } from "./controls";

export function CodeBlock({ code, label }: { code: string; label: string }): ReactElement {
  const pre = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState<"no" | "yes" | "selected">("no");

  const copy = async (): Promise<void> => {
    let done: "yes" | "selected" = "yes";
    try {
      await navigator.clipboard.writeText(code);
    } catch {
      const selection = getSelection();
      if (pre.current !== null && selection !== null) selection.selectAllChildren(pre.current);
      done = document.execCommand("copy") ? "yes" : "selected";
    }
    setCopied(done);
    setTimeout(() => setCopied("no"), 2000);
  };

  return (
    <div className={styles.block}>
      <pre ref={pre} className={styles.code} tabIndex={0} aria-label={label}>
        {code}
      </pre>
      <Button small className={styles.copy} onClick={() => void copy()}>
        {copied === "no" ? <Copy size={13} aria-hidden="true" /> : <Check size={13} aria-hidden="true" />}
        <span aria-live="polite">{copied === "yes" ? "Copied" : copied === "selected" ? "Selected" : "Copy"}</span>
      </Button>
    </div>
  );
}
