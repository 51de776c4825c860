// SPDX-License-Identifier: Apache-2.0

import { Check, Copy } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { useEffect, useState } from "react";
import { cx } from "../../widgets/controls";
import { copyText } from "./copy";
import styles from "./Details.module.css";

/** A small button that copies `text` and says that it did. */
export function CopyButton({ text, label, children, className }: { text: string | (() => string); label: string; children?: ReactNode; className?: string | undefined }): ReactElement {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), 1600);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button
      type="button"
      className={cx(styles.action, className)}
      title={label}
      aria-label={done ? "Copied" : label}
      onClick={() => void copyText(typeof text === "string" ? text : text()).then(setDone)}
    >
      {done ? <Check size={13} aria-hidden="true" /> : <Copy size={13} aria-hidden="true" />}
      {children}
    </button>
  );
}
