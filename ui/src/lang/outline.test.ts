// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from "vitest";
import { formatQuery } from "./format";
import { attributeRef, durationLiteral, literalFor, normalizeDuration, parseDuration, quote, unquote } from "./literals";
import { addTerm, emptyOutline, findCondition, literalText, readOutline, setCondition, writeOutline } from "./outline";
import { parser } from "./traceql.grammar";

function errors(q: string): number {
  let n = 0;
  parser.parse(q).iterate({ enter: (node) => void (node.type.isError && n++) });
  return n;
}

describe("grammar", () => {
  test.each([
    "{ }",
    "{ true }",
    "{ .a }",
    "{ !.a }",
    "{ -.a = 2 }",
    '{ "test" =~ "test" }',
    '{ .http.status >= "200" }',
    "{ 1 / 1.1 = 1 }",
    "{ duration > 1s * 2s }",
    '{ !("test" != .c || ((true && .b) || 3 < .a)) }',
    '{ span."foo bar" = "v" }',
    '{ ."foo\\" = \\"bar" = "v" }',
    '{ statusMessage =~ ".*" }',
    "{ event:timeSinceStart > 1s }",
    "{ .foo != nil }",
    "{ true } !>> { true }",
    "{ true } &~ { true }",
    "({ true } | count() > 1 | { false }) >> ({ true } | count() > 1 | { false })",
    "max(duration) > 3s | { status = error || .http.status = 500 }",
    "min(span:childCount) < 2 / 6",
    "{ true } | by(1 + .a) | coalesce()",
    "{ } >> { kind = server } | select(nestedSetLeft, nestedSetRight, nestedSetParent)",
    "{} | quantile_over_time(duration, 0, 0.9, 1) by (span.http.path)",
    "{} | count_over_time() by (name) | topk(10) with(sample=0.1)",
    "{} | rate() > -3",
    "100 * ({} | rate())",
    "({} | rate()) / ({} | count_over_time())",
    "{ .a+1 = 2 } // the attribute a+1",
    "{ name = `raw \\ string` }",
    "{ duration > 1h30m }",
  ])("reads %s", (q) => expect(errors(q)).toBe(0));

  test.each(["{ . }", "{ .a < }", "{ .a < 3", "{ attribute = 4 }", "{ .attribute == 4 }", "{ true } |", "}"])(
    "refuses %s",
    (q) => expect(errors(q)).toBeGreaterThan(0),
  );

  test("&& and || bind equally, to the left", () => {
    expect(parser.parse("{ .a || .b && .c }").toString()).toBe(
      'Query(Spanset("{",Logic(Logic(Attribute,LogicOp,Attribute),LogicOp,Attribute),"}"))',
    );
  });
});

describe("literals", () => {
  test.each(["", "plain", 'say "hi"', "back\\slash", "line\nbreak\ttab", "naïve 🧶", "\x00\x7f", "`"])(
    "string %j survives quoting",
    (s) => {
      expect(unquote(quote(s))).toBe(s);
      expect(errors(`{ name = ${quote(s)} }`)).toBe(0);
    },
  );
  test("unquote knows Go's escapes and refuses others", () => {
    expect(unquote('"\\x41\\u00e9\\U0001f9f6\\101"')).toBe("Aé🧶A");
    expect(unquote('"\\q"')).toBeNull();
    expect(unquote("`a\\b`")).toBe("a\\b");
  });
  test("durations", () => {
    expect(parseDuration("1h30m")).toBe(5400e9);
    expect(parseDuration("1.5s")).toBe(1.5e9);
    expect(parseDuration("750us")).toBe(750e3);
    expect(parseDuration("5")).toBeNull();
    expect(durationLiteral(1.5e9)).toBe("1.5s");
    expect(durationLiteral(90e9)).toBe("90s");
    expect(durationLiteral(120e9)).toBe("2m");
    expect(durationLiteral(20e6)).toBe("20ms");
    expect(durationLiteral(12)).toBe("12ns");
    expect(normalizeDuration("250")).toBe("250ms");
    expect(normalizeDuration(" 1.5 s ")).toBe("1.5s");
    expect(normalizeDuration("fast")).toBeNull();
  });
  test("every duration literal reads back as itself", () => {
    for (const ns of [1, 999, 1000, 1234, 1e6, 1_234_567, 1e9, 61e9, 3600e9, 5_400_000_000_001]) {
      expect(parseDuration(durationLiteral(ns))).toBe(ns);
    }
  });
  test("attribute references that would not lex are quoted", () => {
    expect(attributeRef("span", "http.route")).toBe("span.http.route");
    expect(attributeRef("", "a b")).toBe('."a b"');
    expect(errors(`{ ${attributeRef("span", 'we"ird (key)')} = 1 }`)).toBe(0);
  });
  test("typed input becomes the literal it means", () => {
    expect(literalFor("500", ["int"])).toBe("500");
    expect(literalFor("500", ["string"])).toBe('"500"');
    expect(literalFor("true", [])).toBe("true");
    expect(literalFor("checkout", [])).toBe('"checkout"');
    expect(literalFor("error", ["status"])).toBe("error");
    expect(literalFor('"500"', [])).toBe('"500"');
  });
});

describe("outline", () => {
  test("simple queries go there and back unchanged", () => {
    for (const q of [
      "",
      "{ status = error }",
      '{ resource.service.name = "checkout" && name = "POST /checkout" && duration > 100ms && status = error }',
      '{ span.http.route =~ "/cart/.*" } | select(span.http.route)',
      "{ duration > 1s } with (most_recent=true)",
    ]) {
      expect(writeOutline(readOutline(q)!)).toBe(q);
    }
  });

  test("what the pickers do not know is carried along", () => {
    const outline = readOutline('{ (span.a = 1 || span.b = 2) && status = error && span.x > span.y }')!;
    expect(outline.terms.map((t) => (t.kind === "opaque" ? t.text : t.field))).toEqual([
      "(span.a = 1 || span.b = 2)",
      "status",
      "span.x > span.y",
    ]);
  });

  test("an || on the left becomes one term, so that meaning is kept", () => {
    const outline = readOutline("{ .a = 1 || .b = 2 && .c = 3 }")!;
    expect(writeOutline(outline)).toBe("{ (.a = 1 || .b = 2) && .c = 3 }");
    const right = readOutline("{ .c = 3 && .a = 1 || .b = 2 }")!;
    expect(right.terms).toHaveLength(1);
    expect(writeOutline(addTerm(right, { kind: "opaque", text: ".d" }))).toBe("{ (.c = 3 && .a = 1 || .b = 2) && .d }");
  });

  test.each(["{ .a } >> { .b }", "{ .a } && { .b }", "{ .a < }", "{ status = }", "count() > 3", "{ } // note"])(
    "%s has none",
    (q) => expect(readOutline(q)).toBeNull(),
  );

  test("pickers set, replace and clear", () => {
    let o = setCondition(emptyOutline, "resource.service.name", ["="], "=", quote("cart"));
    o = setCondition(o, "status", ["="], "=", "error");
    expect(writeOutline(o)).toBe('{ resource.service.name = "cart" && status = error }');
    o = setCondition(o, "resource.service.name", ["="], "=", quote("web"));
    expect(writeOutline(o)).toBe('{ resource.service.name = "web" && status = error }');
    o = setCondition(o, "resource.service.name", ["="], "=", null);
    o = setCondition(o, "status", ["="], "=", null);
    expect(writeOutline(o)).toBe("");
  });

  test("both spellings of an intrinsic are one field", () => {
    const o = readOutline('{ span:name = "GET /" && trace:duration > 2s }')!;
    expect(literalText(findCondition(o, "name", ["="])!.literal)).toBe("GET /");
    expect(findCondition(o, "traceDuration", [">", ">="])!.literal).toBe("2s");
    expect(writeOutline(setCondition(o, "name", ["="], "=", quote("POST /")))).toBe(
      '{ span:name = "POST /" && trace:duration > 2s }',
    );
  });

  test("a range keeps its two ends apart", () => {
    let o = readOutline("{ duration > 10ms && duration < 1s }")!;
    o = setCondition(o, "duration", [">", ">="], ">=", "20ms");
    expect(writeOutline(o)).toBe("{ duration >= 20ms && duration < 1s }");
  });
});

describe("format", () => {
  test.each([
    ['{resource.service.name="cart"&&status=error}', '{ resource.service.name = "cart" && status = error }'],
    ["{}", "{ }"],
    ["{ }", "{ }"],
    ["{.a=-5&&!.b}", "{ .a = -5 && !.b }"],
    ["{}|rate()by(span.x)|topk( 10 )with(sample=0.1)", "{ } | rate() by(span.x) | topk(10) with(sample=0.1)"],
    ["({.a}|count()>1)>>{.b}", "({ .a } | count() > 1) >> { .b }"],
    ["{ (.a || .b)&&duration>1.5s }", "{ (.a || .b) && duration > 1.5s }"],
    ["{}|quantile_over_time(duration,0.5,.9)", "{ } | quantile_over_time(duration, 0.5, .9)"],
    ["{ .a < }", "{ .a < }"],
    ["{ .a } // note", "{ .a } // note"],
  ])("%s", (from, to) => {
    expect(formatQuery(from)).toBe(to);
    expect(formatQuery(to)).toBe(to);
  });
});
