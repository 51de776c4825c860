// SPDX-License-Identifier: Apache-2.0

/**
 * Which trace the pointer is on, shared by list and plot. Outside React, so
 * that moving the pointer renders nothing.
 */
export class Hover {
  #id = "";
  #listeners = new Set<(id: string) => void>();

  get id(): string {
    return this.#id;
  }

  /** Trace id, or "" for none. */
  set(id: string): void {
    if (id === this.#id) return;
    this.#id = id;
    for (const listener of this.#listeners) listener(id);
  }

  subscribe(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
