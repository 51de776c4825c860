// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState, useSyncExternalStore } from "react";

function subscribeTheme(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => observer.disconnect();
}

/** "light" or "dark", as it is now: for what draws with colours itself. */
export function useTheme(): string {
  return useSyncExternalStore(subscribeTheme, () => document.documentElement.dataset["theme"] ?? "light");
}

/** The time in ms, renewed every `everyMs`: for "3 s ago". */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Names the page in the browser's tab and history. */
export function useTitle(text: string): void {
  useEffect(() => {
    document.title = `${text} · Clew`;
  }, [text]);
}
