// SPDX-License-Identifier: Apache-2.0

// TraceQL for CodeMirror: colours only. See traceql.grammar.

import { HighlightStyle, LRLanguage, LanguageSupport, syntaxHighlighting } from "@codemirror/language";
import { styleTags, tags as t } from "@lezer/highlight";
import { parser } from "./traceql.grammar";

const language = LRLanguage.define({
  name: "traceql",
  parser: parser.configure({
    props: [
      styleTags({
        Attribute: t.propertyName,
        Intrinsic: t.variableName,
        "Function By": t.function(t.variableName),
        "With HintName": t.keyword,
        String: t.string,
        "Number Duration": t.number,
        "Bool Nil": t.bool,
        "StatusValue KindValue": t.atom,
        "CompareOp RegexOp StructuralOp LogicOp ArithOp Bang Pipe": t.operator,
        "{ }": t.brace,
        "( )": t.paren,
        "LineComment BlockComment": t.comment,
      }),
    ],
  }),
  languageData: {
    commentTokens: { line: "//", block: { open: "/*", close: "*/" } },
    closeBrackets: { brackets: ["{", "(", '"', "`"] },
  },
});

const colours = HighlightStyle.define([
  { tag: [t.propertyName, t.variableName], color: "var(--syn-name)" },
  { tag: t.function(t.variableName), color: "var(--syn-keyword)" },
  { tag: [t.keyword, t.operator], color: "var(--syn-op)" },
  { tag: t.string, color: "var(--syn-string)" },
  { tag: [t.number, t.bool, t.atom], color: "var(--syn-number)" },
  { tag: [t.brace, t.paren], color: "var(--syn-scope)" },
  { tag: t.comment, color: "var(--text-3)", fontStyle: "italic" },
]);

export function traceql(): LanguageSupport {
  return new LanguageSupport(language, syntaxHighlighting(colours));
}
