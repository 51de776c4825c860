// SPDX-License-Identifier: Apache-2.0

// Search params as people read and type them: ?q={ status = error }&range=6h,
// never JSON. Pages turn strings into what they need with their schemas.

/** `?a=1&b=x` as { a: "1", b: "x" }; the first of repeated keys counts. */
export function parseSearch(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(text)) out[key] ??= value;
  return out;
}

/** Characters that stand for themselves in a query, so that TraceQL stays readable in the address bar. */
const readable: Record<string, string> = { "%3A": ":", "%2F": "/", "%2C": ",", "%7B": "{", "%7D": "}", "%21": "!", "%3D": "=" };

/** { a: 1, b: "x" } as `?a=1&b=x`; undefined, null and "" are left out. */
export function stringifySearch(search: Record<string, unknown>): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === "") continue;
    const encoded = encodeURIComponent(String(value))
      .replace(/%20/g, "+")
      .replace(/%(?:3A|2F|2C|7B|7D|21|3D)/g, (code) => readable[code]!);
    parts.push(`${encodeURIComponent(key)}=${encoded}`);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
