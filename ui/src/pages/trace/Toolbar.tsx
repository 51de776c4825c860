// SPDX-License-Identifier: Apache-2.0

import { ChevronDown, ChevronUp, ChevronsDownUp, ChevronsUpDown, CircleAlert, ListFilter, Minus, Plus, Route, Search, X } from "lucide-react";
import type { ReactElement, RefObject } from "react";
import { formatCount } from "../../base/format";
import type { TraceView } from "../../canvas/traceView";
import { searchTerms } from "../../model/search";
import { Button, Tip, cx } from "../../widgets/controls";
import styles from "./TracePage.module.css";

interface Props {
  inputRef: RefObject<HTMLInputElement | null>;
  text: string;
  onText: (text: string) => void;
  /** What is wrong with the search, or "". */
  problem: string;
  /** What else is to be said of its answer, or "". */
  note: string;
  /** Number of matches; undefined without a search. */
  total: number | undefined;
  /** Index of the selected row among the matches, -1 when it is none. */
  position: number;
  onNext: (direction: 1 | -1) => void;
  only: boolean;
  onOnly: (on: boolean) => void;
  errors: number;
  path: boolean;
  onPath: (on: boolean) => void;
  /** The caret leaves the box for the waterfall. */
  onLeave: () => void;
}

/** Left of the minimap: search within the trace, and what is drawn. */
export function Toolbar({ inputRef, ...p }: Props): ReactElement {
  const errorsOn = searchTerms(p.text).includes("is:error");
  const toggleErrors = (): void => {
    // A TraceQL query is replaced, words are kept beside it.
    const terms = p.text.trimStart().startsWith("{") ? [] : searchTerms(p.text).filter((t) => t !== "is:error");
    p.onText([...(errorsOn ? [] : ["is:error"]), ...terms.map((t) => (t.includes(" ") ? `"${t}"` : t))].join(" "));
  };
  return (
    <div className={styles.overviewTools}>
      <div className={styles.find} role="search">
        <div className={styles.findBox}>
          <Search size={13} className={styles.findIcon} aria-hidden="true" />
          <input
            ref={inputRef}
            type="search"
            className={styles.findInput}
            placeholder="Find in trace: words or { TraceQL }"
            aria-label="Find in trace"
            title={"Words in service, name or span id; also is:error, is:orphan, kind:client, service:cart, >10ms, self>5ms, -word.\nTraceQL asks for attributes: { span.http.response.status_code >= 500 }"}
            value={p.text}
            spellCheck={false}
            autoComplete="off"
            onChange={(e) => p.onText(e.target.value)}
            onKeyDown={(e) => {
              if (e.key === "Enter") {
                e.preventDefault();
                p.onNext(e.shiftKey ? -1 : 1);
              } else if (e.key === "Escape" || e.key === "ArrowDown") {
                e.preventDefault();
                e.stopPropagation();
                if (e.key === "Escape" && p.text !== "") p.onText("");
                else p.onLeave();
              }
            }}
          />
        </div>
        {(p.problem !== "" || (p.total === undefined && p.note !== "")) && (
          <span className={cx(styles.findCount, p.problem !== "" && styles.findNone, styles.findProblem)} role="status" title={p.problem}>
            {p.problem || p.note}
          </span>
        )}
        {p.total !== undefined && p.problem === "" && (
          <>
            <span className={cx(styles.findCount, p.total === 0 && styles.findNone)} role="status">
              {p.total === 0 ? "no match" : p.position >= 0 ? `${formatCount(p.position + 1)} of ${formatCount(p.total)}` : `${formatCount(p.total)} found`}
              {p.note !== "" && ` (${p.note})`}
            </span>
            <Button look="ghost" small icon aria-label="Previous match" title="Previous match (Shift N)" onClick={() => p.onNext(-1)} disabled={p.total === 0}>
              <ChevronUp size={14} aria-hidden="true" />
            </Button>
            <Button look="ghost" small icon aria-label="Next match" title="Next match (N)" onClick={() => p.onNext(1)} disabled={p.total === 0}>
              <ChevronDown size={14} aria-hidden="true" />
            </Button>
            <Button look="ghost" small icon aria-label="Clear search" title="Clear (Esc)" onClick={() => p.onText("")}>
              <X size={14} aria-hidden="true" />
            </Button>
          </>
        )}
      </div>
      <div className={styles.pills}>
        {p.errors > 0 && (
          <button type="button" className={cx(styles.pill, errorsOn && styles.pillOn)} aria-pressed={errorsOn} onClick={toggleErrors}>
            <CircleAlert size={11} aria-hidden="true" />
            Errors {formatCount(p.errors)}
          </button>
        )}
        <Tip text="The spans that decided how long the trace took" keys="c">
          <button type="button" className={cx(styles.pill, p.path && styles.pillOn)} aria-pressed={p.path} onClick={() => p.onPath(!p.path)}>
            <Route size={11} aria-hidden="true" />
            Critical path
          </button>
        </Tip>
        <Tip text="Leave out rows that do not match the search" keys="m">
          <button type="button" className={cx(styles.pill, p.only && styles.pillOn)} aria-pressed={p.only} onClick={() => p.onOnly(!p.only)}>
            <ListFilter size={11} aria-hidden="true" />
            Matches only
          </button>
        </Tip>
      </div>
    </div>
  );
}

/** Head of the tree column: folding by level. */
export function TreeHead({ view }: { view: () => TraceView | undefined }): ReactElement {
  return (
    <div className={styles.treeHead}>
      <span>Service and operation</span>
      <Tip text="One level less" keys="[">
        <button type="button" className={styles.level} aria-label="Show one level less" onClick={() => view()?.changeLevel(-1)}>
          <Minus size={13} aria-hidden="true" />
        </button>
      </Tip>
      <Tip text="One level more" keys="]">
        <button type="button" className={styles.level} aria-label="Show one level more" onClick={() => view()?.changeLevel(1)}>
          <Plus size={13} aria-hidden="true" />
        </button>
      </Tip>
      <Tip text="Fold all" keys="{">
        <button type="button" className={styles.level} aria-label="Fold all" onClick={() => view()?.setDepth(0)}>
          <ChevronsDownUp size={13} aria-hidden="true" />
        </button>
      </Tip>
      <Tip text="Unfold all" keys="}">
        <button type="button" className={styles.level} aria-label="Unfold all" onClick={() => view()?.expandAll()}>
          <ChevronsUpDown size={13} aria-hidden="true" />
        </button>
      </Tip>
    </div>
  );
}
