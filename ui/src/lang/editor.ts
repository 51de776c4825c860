// SPDX-License-Identifier: Apache-2.0

// The query editor: CodeMirror dressed as a one-line box that grows. Enter
// runs, Shift+Enter breaks the line, ↑ and ↓ walk through what was run before.
// A heavy chunk: pages load it on demand (widgets/QueryBox).

import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  completionStatus,
  startCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewline } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { type Diagnostic, linter } from "@codemirror/lint";
import { Annotation, EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { cspNonce } from "../base/csp";
import type { CompletionKind } from "../wire/api";
import type { Advisor } from "./advice";
import { traceql } from "./language";

export interface QueryEditorConfig {
  parent: HTMLElement;
  text: string;
  /** Accessible name of the box. */
  label: string;
  placeholder: string;
  advise: Advisor;
  /** Queries run before, newest first; read each time it is needed. */
  pastQueries: () => readonly string[];
  /** The person changed the text (not called for setText). */
  onChange: (text: string) => void;
  onSubmit: (text: string) => void;
}

export interface QueryEditor {
  text(): string;
  setText(text: string): void;
  focus(): void;
  /** Puts the caret at a UTF-16 offset and focuses the box. */
  moveTo(offset: number): void;
  destroy(): void;
}

const fromOutside = Annotation.define<boolean>();

export function createQueryEditor(config: QueryEditorConfig): QueryEditor {
  let recalled = -1; // index into pastQueries while walking through them
  let draft = "";

  const recall = (view: EditorView, step: 1 | -1): boolean => {
    if (completionStatus(view.state) !== null || view.state.doc.lines > 1) return false;
    const past = config.pastQueries();
    const next = recalled + step;
    if (next < -1 || next >= past.length) return false;
    if (recalled === -1) draft = view.state.doc.toString();
    const text = next === -1 ? draft : past[next]!;
    view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: text },
      selection: { anchor: text.length },
      annotations: fromOutside.of(true),
    });
    recalled = next;
    config.onChange(text);
    return true;
  };

  const submit = (view: EditorView): boolean => {
    closeCompletion(view);
    recalled = -1;
    config.onSubmit(view.state.doc.toString());
    return true;
  };

  const view = new EditorView({
    parent: config.parent,
    state: EditorState.create({
      doc: config.text,
      selection: { anchor: config.text.length },
      extensions: [
        EditorView.cspNonce.of(cspNonce()),
        Prec.high(
          keymap.of([
            { key: "Tab", run: acceptCompletion },
            { key: "Mod-Enter", run: submit },
            { key: "Shift-Enter", run: insertNewline },
          ]),
        ),
        autocompletion({
          override: [completionSource(config.advise)],
          icons: false,
          maxRenderedOptions: 100,
          activateOnTypingDelay: 60,
          optionClass: (option) => `cm-kind-${option.type ?? "attribute"}`,
          addToOptions: [{ render: renderKind, position: 20 }],
        }),
        keymap.of([
          ...completionKeymap,
          { key: "Enter", run: submit },
          { key: "ArrowUp", run: (v) => recall(v, 1) },
          { key: "ArrowDown", run: (v) => recall(v, -1) },
          { key: "Escape", run: blur },
          ...closeBracketsKeymap,
          ...historyKeymap,
          ...defaultKeymap,
        ]),
        history(),
        closeBrackets(),
        bracketMatching(),
        traceql(),
        linter((v) => diagnose(v, config.advise), { delay: 350 }),
        placeholder(config.placeholder),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": config.label,
          autocapitalize: "off",
          autocorrect: "off",
          spellcheck: "false",
          enterkeyhint: "search",
        }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged || update.transactions.some((tr) => tr.annotation(fromOutside) === true)) return;
          recalled = -1;
          config.onChange(update.state.doc.toString());
        }),
        dress,
      ],
    }),
  });

  return {
    text: () => view.state.doc.toString(),
    setText(text) {
      if (text === view.state.doc.toString()) return;
      recalled = -1;
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        selection: { anchor: text.length },
        annotations: fromOutside.of(true),
      });
    },
    focus: () => view.focus(),
    moveTo(offset) {
      view.dispatch({ selection: { anchor: Math.min(offset, view.state.doc.length) }, scrollIntoView: true });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

function blur(view: EditorView): boolean {
  view.contentDOM.blur();
  return true;
}

const kindWords: Record<CompletionKind, string> = {
  attribute: "attribute",
  intrinsic: "intrinsic",
  value: "value",
  keyword: "keyword",
  operator: "operator",
  function: "function",
  scope: "scope",
};

/** A small letter before each suggestion; the word itself is its title. */
function renderKind(completion: Completion): Node {
  const mark = document.createElement("span");
  mark.className = "cm-kind";
  mark.textContent = (completion.type ?? "a").slice(0, 1);
  mark.title = kindWords[completion.type as CompletionKind] ?? "";
  mark.ariaHidden = "true";
  return mark;
}

/** Completions from the server, in its order. Nothing pops up unasked right behind a finished spanset. */
function completionSource(advise: Advisor) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const q = context.state.doc.toString();
    const before = q.slice(0, context.pos);
    if (!context.explicit && (/[})]\s*$/.test(before) || before.trim() === "")) return null;
    const answer = await advise(q, context.pos).catch(() => null);
    if (answer === null || context.aborted) return null;
    const typed = q.slice(answer.from, context.pos);
    const options = (answer.items ?? [])
      .filter((item) => context.explicit || item.insert !== typed)
      .map((item): Completion => {
        return {
          label: item.label,
          detail: item.detail,
          type: item.kind,
          apply: (view, _completion, from, to) => {
            const end = Math.max(to, Math.min(answer.to, view.state.doc.length));
            const insert = withBlank(item, view.state.sliceDoc(end, end + 1));
            view.dispatch({
              changes: { from, to: end, insert },
              selection: { anchor: from + insert.length },
              userEvent: "input.complete",
            });
            // An attribute wants an operator next, an operator a value: go on offering.
            if (item.kind !== "value") startCompletion(view);
          },
        };
      });
    return options.length === 0 ? null : { from: answer.from, options, filter: false };
  };
}

/** What is inserted: names and operators with a blank behind them, because something follows. */
function withBlank(item: { kind: CompletionKind; insert: string }, next: string): string {
  const closed = item.kind === "attribute" || item.kind === "intrinsic" || item.kind === "operator";
  return closed && !item.insert.endsWith(" ") && next !== " " ? `${item.insert} ` : item.insert;
}

async function diagnose(view: EditorView, advise: Advisor): Promise<Diagnostic[]> {
  const q = view.state.doc.toString();
  if (q.trim() === "") return [];
  const answer = await advise(q, view.state.selection.main.head).catch(() => null);
  if (answer === null || q !== view.state.doc.toString()) return [];
  return (answer.diagnostics ?? []).map((d) => {
    const from = Math.min(d.from, q.length);
    // An error at the end of the text still needs a character to stand under.
    const to = Math.min(Math.max(d.to, from + 1), q.length);
    return {
      from: from === to && from > 0 ? from - 1 : from,
      to,
      severity: d.severity,
      message: d.hint === "" || d.hint === undefined ? d.message : `${d.message}\n${d.hint}`,
    };
  });
}

const dress = EditorView.theme({
  "&": { backgroundColor: "transparent", color: "var(--text)", fontSize: "var(--fs-m)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", maxHeight: "180px", overflowY: "auto" },
  // Room for the wave under an error.
  ".cm-content": { padding: "0 0 3px", caretColor: "var(--text)" },
  ".cm-line": { padding: "0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-placeholder": { color: "var(--text-3)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "transparent" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--line-2)" },
  ".cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--error-soft)" },
  ".cm-lintRange": { backgroundImage: "none", paddingBottom: "0" },
  ".cm-lintRange-error": { textDecoration: "underline wavy var(--error) 1.5px", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { textDecoration: "underline wavy var(--warn) 1.5px", textUnderlineOffset: "3px" },
  ".cm-lintPoint": { display: "none" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line-2)",
    borderRadius: "var(--r2)",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
    zIndex: "30",
  },
  ".cm-tooltip-lint": { padding: "0" },
  ".cm-diagnostic": {
    padding: "6px 10px",
    margin: "0",
    borderLeft: "3px solid var(--error)",
    whiteSpace: "pre-wrap",
    maxWidth: "520px",
    fontFamily: "var(--font)",
  },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mono)",
    fontSize: "var(--fs-s)",
    maxHeight: "300px",
    minWidth: "280px",
    maxWidth: "min(640px, 90vw)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": {
    display: "flex",
    alignItems: "center",
    gap: "8px",
    padding: "3px 10px 3px 6px",
    lineHeight: "20px",
    color: "var(--text)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--selected)",
    color: "var(--text)",
  },
  ".cm-kind": {
    flex: "none",
    width: "16px",
    height: "16px",
    lineHeight: "16px",
    textAlign: "center",
    borderRadius: "3px",
    fontSize: "10px",
    fontWeight: "600",
    color: "var(--text-2)",
    backgroundColor: "var(--sunken)",
  },
  ".cm-kind-attribute .cm-kind, .cm-kind-intrinsic .cm-kind, .cm-kind-scope .cm-kind": { color: "var(--syn-name)" },
  ".cm-kind-value .cm-kind": { color: "var(--syn-string)" },
  ".cm-kind-operator .cm-kind, .cm-kind-keyword .cm-kind, .cm-kind-function .cm-kind": { color: "var(--syn-op)" },
  ".cm-completionLabel": { flex: "1 1 auto", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-completionDetail": {
    flex: "none",
    marginLeft: "16px",
    color: "var(--text-3)",
    fontStyle: "normal",
    fontFamily: "var(--font)",
    fontSize: "var(--fs-xs)",
  },
});
