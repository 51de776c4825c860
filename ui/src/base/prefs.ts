// SPDX-License-Identifier: Apache-2.0

// What a person chose and expects to find again, in localStorage: the time
// zone, widths of panels. Everything that belongs to *what is looked at* is in
// the URL instead.

import { useSyncExternalStore } from "react";
import type { Zone } from "./format";

export interface Prefs {
  zone: Zone;
  theme: "system" | "light" | "dark";
  /** Width in px of the tree column and of the details panel of the trace page. */
  treeWidth: number;
  detailsWidth: number;
}

const defaults: Prefs = { zone: "local", theme: "system", treeWidth: 420, detailsWidth: 420 };

const allowed: { [K in keyof Prefs]: (v: unknown) => v is Prefs[K] } = {
  zone: (v): v is Zone => v === "local" || v === "utc",
  theme: (v): v is Prefs["theme"] => v === "system" || v === "light" || v === "dark",
  treeWidth: (v): v is number => typeof v === "number" && v >= 120 && v <= 4000,
  detailsWidth: (v): v is number => typeof v === "number" && v >= 200 && v <= 4000,
};

/** One preference, kept in localStorage under `clew.<key>`; works without storage, forgetting at reload. */
class Pref<K extends keyof Prefs> {
  #value: Prefs[K] | undefined;
  #listeners = new Set<() => void>();
  readonly #key: K;

  constructor(key: K) {
    this.#key = key;
  }

  get = (): Prefs[K] => {
    if (this.#value === undefined) {
      this.#value = defaults[this.#key];
      try {
        const stored: unknown = JSON.parse(localStorage.getItem(`clew.${this.#key}`) ?? "null");
        if (allowed[this.#key](stored)) this.#value = stored;
      } catch {
        // No storage, or not ours: the default stands.
      }
    }
    return this.#value;
  };

  set = (value: Prefs[K]): void => {
    if (value === this.get()) return;
    this.#value = value;
    try {
      localStorage.setItem(`clew.${this.#key}`, JSON.stringify(value));
    } catch {
      // Private mode or full: keep it for this visit.
    }
    for (const listener of this.#listeners) listener();
  };

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export const prefs: { readonly [K in keyof Prefs]: Pref<K> } = {
  zone: new Pref("zone"),
  theme: new Pref("theme"),
  treeWidth: new Pref("treeWidth"),
  detailsWidth: new Pref("detailsWidth"),
};

/** `const [zone, setZone] = usePref("zone")` */
export function usePref<K extends keyof Prefs>(key: K): [Prefs[K], (value: Prefs[K]) => void] {
  const pref = prefs[key] as unknown as Pref<K>;
  return [useSyncExternalStore(pref.subscribe, pref.get), pref.set];
}
