// SPDX-License-Identifier: Apache-2.0

/**
 * The nonce of this page's Content-Security-Policy, or "" in development.
 *
 * The policy has no `unsafe-inline`. A library that inserts a <style> element
 * (CodeMirror: `EditorView.cspNonce`, Base UI: `CSPProvider`) must be given it.
 */
export function cspNonce(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="clew-csp-nonce"]');
  return meta?.nonce || meta?.content || "";
}
