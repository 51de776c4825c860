// SPDX-License-Identifier: Apache-2.0

// Attribute values as text and as TraceQL.

import { attributeRef, quote } from "../../lang/literals";
import type { Attribute, TypedValue } from "../../wire/api";

/** A value as one line or more of text: what is shown and what is copied. */
export function valueText(v: TypedValue): string {
  switch (v.type) {
    case "string":
    case "int":
      return v.value;
    case "bool":
    case "double":
      return String(v.value);
    case "bytes":
      return v.value; // base64, as OTLP/JSON writes it
    case "empty":
      return "";
    default:
      return JSON.stringify(plain(v), null, 1).replace(/\n\s*/g, " ");
  }
}

/** A value as plain JSON; ints that a double cannot hold stay text. */
export function plain(v: TypedValue): unknown {
  switch (v.type) {
    case "int":
      return Number.isSafeInteger(Number(v.value)) ? Number(v.value) : v.value;
    case "array":
      return v.value.map(plain);
    case "map":
      return Object.fromEntries(v.value.map((a) => [a.key, plain(a)]));
    case "empty":
      return null;
    default:
      return v.value;
  }
}

/** A query for spans that have this attribute, or undefined where TraceQL cannot say it. */
export function queryFor(scope: string, a: Attribute): string | undefined {
  const ref = attributeRef(scope, a.key);
  switch (a.type) {
    case "string":
      return a.value.length > 1000 ? undefined : `{ ${ref} = ${quote(a.value)} }`;
    case "int":
    case "bool":
      return `{ ${ref} = ${a.value} }`;
    case "double":
      return Number.isFinite(Number(a.value)) ? `{ ${ref} = ${a.value} }` : undefined;
    default:
      return undefined;
  }
}

/** OTLP/JSON of a value, for the raw view. */
export function otlpValue(v: TypedValue): unknown {
  switch (v.type) {
    case "string":
      return { stringValue: v.value };
    case "int":
      return { intValue: v.value };
    case "bool":
      return { boolValue: v.value };
    case "double":
      return { doubleValue: v.value };
    case "bytes":
      return { bytesValue: v.value };
    case "array":
      return { arrayValue: { values: v.value.map(otlpValue) } };
    case "map":
      return { kvlistValue: { values: otlpAttributes(v.value) } };
    default:
      return {};
  }
}

export function otlpAttributes(list: readonly Attribute[]): unknown[] {
  return list.map((a) => ({ key: a.key, value: otlpValue(a) }));
}
