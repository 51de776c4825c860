// SPDX-License-Identifier: Apache-2.0

// One way to space a query: applied when a query is run, so that equal queries
// look (and are bookmarked) alike.

import { parser } from "./traceql.grammar";

/**
 * The query with canonical spacing, on one line. Queries that do not parse, or
 * that hold comments or line breaks their author chose, come back trimmed only.
 */
export function formatQuery(text: string): string {
  const trimmed = text.trim();
  if (/[\n\r]/.test(trimmed)) return trimmed;
  const tokens: { name: string; text: string; parent: string; first: boolean }[] = [];
  let keep = false;
  parser.parse(trimmed).iterate({
    enter: (ref) => {
      if (ref.type.isError || ref.name.endsWith("Comment")) keep = true;
      const node = ref.node;
      if (ref.to > ref.from && node.firstChild === null) {
        const unary = /Negation|^Not$/.test(node.parent?.name ?? "") && node.prevSibling === null;
        tokens.push({
          name: ref.name,
          text: trimmed.slice(ref.from, ref.to),
          parent: node.parent?.name ?? "",
          first: unary,
        });
      }
    },
  });
  if (keep) return trimmed;
  let out = "";
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const prev = tokens[i - 1];
    if (prev !== undefined && spaced(prev, token)) out += " ";
    out += token.text;
  }
  return out;
}

interface Token {
  readonly name: string;
  readonly text: string;
  readonly parent: string;
  readonly first: boolean;
}

function spaced(prev: Token, next: Token): boolean {
  if (prev.first) return false; // unary operator and its operand
  if (prev.text === "(" || next.text === ")" || next.text === ",") return false;
  if (next.text === "(") return next.parent === "ArgList" ? false : !(next.parent === "Hints");
  if (prev.parent === "Hint" && prev.name === "CompareOp") return false;
  if (next.parent === "Hint" && next.name === "CompareOp") return false;
  return true;
}
