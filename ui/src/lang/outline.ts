// SPDX-License-Identifier: Apache-2.0

// The pickers' view of a query. Text is the truth; an Outline is what the
// pickers can see of it and how they write it back:
//
//   { term && term && … } tail
//
// A term is either a condition `field op literal`, which a picker can own, or
// text that is carried along untouched (a disjunction, arithmetic, …). A query
// of several spansets has no outline: pickers then stand back.

import type { SyntaxNode } from "@lezer/common";
import { unquote } from "./literals";
import { parser } from "./traceql.grammar";

export type Op = "=" | "!=" | ">" | ">=" | "<" | "<=" | "=~" | "!~";

/** `field op literal`. Field and literal are TraceQL text as written. */
export interface Condition {
  readonly kind: "condition";
  readonly field: string;
  readonly op: Op;
  readonly literal: string;
}

/** Text the pickers do not understand; it stands as one operand of &&. */
export interface Opaque {
  readonly kind: "opaque";
  readonly text: string;
}

export type Term = Condition | Opaque;

export interface Outline {
  readonly terms: readonly Term[];
  /** Pipeline stages and hints behind the spanset, with their leading `|`; "" when none. */
  readonly tail: string;
}

export const emptyOutline: Outline = { terms: [], tail: "" };

/** Fields that have two spellings; the pickers write the first. */
const spellings: Record<string, string> = {
  "span:name": "name",
  "span:duration": "duration",
  "span:status": "status",
  "span:statusMessage": "statusMessage",
  "span:kind": "kind",
  "trace:rootName": "rootName",
  "trace:rootService": "rootServiceName",
  "trace:duration": "traceDuration",
};

/** One spelling for each field, so that `span:name` and `name` meet. */
export function canonicalField(field: string): string {
  return spellings[field] ?? field;
}

/** The outline of a query, or null when it has none (several spansets, a syntax error). */
export function readOutline(text: string): Outline | null {
  const tree = parser.parse(text);
  let broken = false;
  tree.iterate({
    enter: (node) => {
      if (node.type.isError || node.name === "LineComment" || node.name === "BlockComment") broken = true;
      return !broken;
    },
  });
  if (broken) return null;
  const first = tree.topNode.firstChild;
  if (first === null) return emptyOutline;
  if (first.name !== "Spanset") return null;
  const next = first.nextSibling;
  if (next !== null && next.name !== "Pipe" && next.name !== "Hints") return null;
  const open = first.firstChild!;
  const inner = open.nextSibling!;
  const terms: Term[] = [];
  if (inner.name !== "}") collect(inner, text, terms);
  return { terms, tail: next === null ? "" : text.slice(next.from).trim() };
}

/** The query an outline stands for. An outline without terms and tail is the empty query. */
export function writeOutline(outline: Outline): string {
  const body = outline.terms
    .map((term) => (term.kind === "condition" ? `${term.field} ${term.op} ${term.literal}` : term.text))
    .join(" && ");
  if (body === "" && outline.tail === "") return "";
  const spanset = body === "" ? "{ }" : `{ ${body} }`;
  return outline.tail === "" ? spanset : `${spanset} ${outline.tail}`;
}

/** Whether the grammar reads text without an error. What it means is the server's business. */
export function parses(text: string): boolean {
  let good = true;
  parser.parse(text).iterate({ enter: (node) => (good &&= !node.type.isError) });
  return good;
}

function slice(node: SyntaxNode, text: string): string {
  return text.slice(node.from, node.to);
}

/**
 * Splits a chain of && into terms. && and || bind equally and to the left, so
 * `a || b && c` is `(a || b) && c`: everything left of an || is one term.
 */
function collect(node: SyntaxNode, text: string, terms: Term[]): void {
  if (node.name === "Logic") {
    const left = node.firstChild!;
    const op = left.nextSibling!;
    const right = op.nextSibling!;
    if (slice(op, text) === "&&") {
      collect(left, text, terms);
      collect(right, text, terms);
      return;
    }
    terms.push({ kind: "opaque", text: `(${slice(node, text)})` });
    return;
  }
  if (node.name === "Parens") {
    // ( a && b ) contributes its own terms; ( a || b ) keeps its parentheses.
    const inner = node.firstChild!.nextSibling!;
    if (inner.name !== "Logic" || slice(inner.firstChild!.nextSibling!, text) === "&&") {
      collect(inner, text, terms);
      return;
    }
  }
  terms.push(condition(node, text) ?? { kind: "opaque", text: slice(node, text) });
}

const literalNodes = new Set(["Number", "Duration", "String", "Bool", "Nil", "StatusValue", "KindValue"]);

function condition(node: SyntaxNode, text: string): Condition | null {
  if (node.name !== "Comparison") return null;
  const field = node.firstChild!;
  const op = field.nextSibling!;
  const value = op.nextSibling!;
  if (field.name !== "Attribute" && field.name !== "Intrinsic") return null;
  const negative = value.name === "Negation" && /Number|Duration/.test(value.lastChild?.name ?? "");
  if (!literalNodes.has(value.name) && !negative) return null;
  return {
    kind: "condition",
    field: slice(field, text),
    op: slice(op, text) as Op,
    literal: slice(value, text),
  };
}

/** The first condition on field with one of ops, as the pickers read it. */
export function findCondition(outline: Outline, field: string, ops: readonly Op[]): Condition | null {
  for (const term of outline.terms) {
    if (term.kind === "condition" && canonicalField(term.field) === field && ops.includes(term.op)) return term;
  }
  return null;
}

/**
 * The outline with `field op literal` in the place of the condition on field
 * with one of ops, or at the end; literal null removes it. Further conditions
 * of the same kind go, so that a picker always shows the whole truth.
 */
export function setCondition(
  outline: Outline,
  field: string,
  ops: readonly Op[],
  op: Op,
  literal: string | null,
): Outline {
  const terms: Term[] = [];
  let placed = literal === null;
  for (const term of outline.terms) {
    if (term.kind !== "condition" || canonicalField(term.field) !== field || !ops.includes(term.op)) {
      terms.push(term);
    } else if (!placed) {
      terms.push({ kind: "condition", field: term.field, op, literal: literal! });
      placed = true;
    }
  }
  if (!placed) terms.push({ kind: "condition", field, op, literal: literal! });
  return { ...outline, terms };
}

/** The outline with term i replaced; null removes it. */
export function replaceTerm(outline: Outline, index: number, term: Term | null): Outline {
  const terms = outline.terms.flatMap((old, i) => (i !== index ? [old] : term === null ? [] : [term]));
  return { ...outline, terms };
}

/** The outline with a term added at the end. */
export function addTerm(outline: Outline, term: Term): Outline {
  return { ...outline, terms: [...outline.terms, term] };
}

/** What a literal means: the string itself, ns of a duration, or the text of the rest. */
export function literalText(literal: string): string {
  return /^["`]/.test(literal) ? (unquote(literal) ?? literal) : literal;
}
