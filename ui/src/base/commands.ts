// SPDX-License-Identifier: Apache-2.0

// One registry of commands: the key handler, the palette (mod+k) and the help
// sheet (?) all read it, so that they cannot disagree. Framework-free; the app
// makes one registry and hands it down.

export interface Command {
  /** Unique over all scopes, dotted: `trace.zoomIn`. */
  id: string;
  /** What the palette and the help sheet show, an imperative: `Zoom in`. */
  title: string;
  /**
   * Keys that run it, any of:
   *  - a character as typed: `j`, `?`, `[`
   *  - a named key: `ArrowUp`, `Enter`, `Escape`, ` ` (space)
   *  - a physical key, wherever the layout puts its letter: `code:KeyW`
   *  - with modifiers before it: `mod+k` (⌘ on a Mac, else Ctrl), `shift+ArrowUp`, `alt+x`
   *  - two in sequence: `g s`
   */
  keys: string[];
  run: (event?: KeyboardEvent) => void;
  /** Heading in the help sheet; the scope's name when absent. */
  group?: string;
  /** Command is offered only while this is true (absent: always). */
  enabled?: () => boolean;
  /** Also runs while the caret is in a text field (absent: no). */
  inFields?: boolean;
  /** Left out of palette and help (a second key for the same thing). */
  hidden?: boolean;
}

export interface ScopedCommand extends Command {
  scope: string;
}

interface Chord {
  key: string;
  code: string;
  mod: boolean;
  alt: boolean;
  shift: boolean | undefined; // undefined: the character decides (`?` needs shift on most layouts)
}

const sequenceTimeoutMs = 1200;

function parseChord(text: string): Chord {
  const chord: Chord = { key: "", code: "", mod: false, alt: false, shift: undefined };
  let rest = text;
  for (;;) {
    if (rest.startsWith("mod+") && rest.length > 4) {
      chord.mod = true;
      rest = rest.slice(4);
    } else if (rest.startsWith("alt+") && rest.length > 4) {
      chord.alt = true;
      rest = rest.slice(4);
    } else if (rest.startsWith("shift+") && rest.length > 6) {
      chord.shift = true;
      rest = rest.slice(6);
    } else {
      break;
    }
  }
  if (rest.startsWith("code:")) {
    chord.code = rest.slice(5);
    chord.shift ??= false;
  } else {
    chord.key = rest;
    if (rest.length > 1) chord.shift ??= false;
  }
  return chord;
}

function matches(chord: Chord, e: KeyboardEvent, mac: boolean): boolean {
  const mod = mac ? e.metaKey : e.ctrlKey;
  const other = mac ? e.ctrlKey : e.metaKey;
  if (mod !== chord.mod || other || e.altKey !== chord.alt) return false;
  if (chord.shift !== undefined && e.shiftKey !== chord.shift) return false;
  if (chord.code !== "") return e.code === chord.code;
  return e.key === chord.key || (chord.shift === true && e.key.toLowerCase() === chord.key);
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}

/** Keys as a person reads them: `mod+k` -> `Ctrl K` or `⌘ K`. */
export function formatKeys(keys: string, mac: boolean): string {
  const names: Record<string, string> = {
    ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", " ": "Space",
    PageUp: "PgUp", PageDown: "PgDn",
  };
  if (keys === " ") return "Space";
  return keys
    .split(" ")
    .map((part) => {
      const c = parseChord(part);
      const key = c.code !== "" ? c.code.replace(/^Key|^Digit/, "") : (names[c.key] ?? (c.mod || c.alt ? c.key.toUpperCase() : c.key));
      const mods = [c.mod ? (mac ? "⌘" : "Ctrl") : "", c.alt ? (mac ? "⌥" : "Alt") : "", c.shift === true ? (mac ? "⇧" : "Shift") : ""];
      return [...mods.filter((m) => m !== ""), key].join(" ");
    })
    .join(" then ");
}

export class CommandRegistry {
  readonly mac: boolean;
  #scopes: { scope: string; commands: Command[] }[] = [];
  #listeners = new Set<() => void>();
  #snapshot: readonly ScopedCommand[] = [];
  #pending = "";
  #pendingAt = 0;

  constructor(mac: boolean = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform)) {
    this.mac = mac;
  }

  /** Adds a page's or panel's commands; later scopes win over earlier ones. Returns what removes them. */
  registerCommands(scope: string, commands: Command[]): () => void {
    const entry = { scope, commands };
    this.#scopes.push(entry);
    this.#changed();
    return () => {
      this.#scopes = this.#scopes.filter((s) => s !== entry);
      this.#changed();
    };
  }

  /** All commands now registered, newest scope first. The same array until something changes (for useSyncExternalStore). */
  list = (): readonly ScopedCommand[] => this.#snapshot;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  run(id: string): boolean {
    const command = this.#snapshot.find((c) => c.id === id && (c.enabled?.() ?? true));
    command?.run();
    return command !== undefined;
  }

  /** Runs the command that a key press means; true when there was one (and the event is consumed). */
  handleKey = (e: KeyboardEvent): boolean => {
    if (e.defaultPrevented || e.isComposing || ["Shift", "Control", "Alt", "Meta"].includes(e.key)) return false;
    const field = isField(e.target);
    const first = this.#pending !== "" && e.timeStamp - this.#pendingAt < sequenceTimeoutMs ? this.#pending : "";
    this.#pending = "";
    let prefix = "";
    for (const command of this.#snapshot) {
      if (field && command.inFields !== true) continue;
      if (!(command.enabled?.() ?? true)) continue;
      for (const keys of command.keys) {
        const parts = keys === " " ? [" "] : keys.split(" ");
        if (parts.length === 1 ? first === "" && matches(parseChord(parts[0]!), e, this.mac) : parts[0] === first && matches(parseChord(parts[1]!), e, this.mac)) {
          e.preventDefault();
          command.run(e);
          return true;
        }
        if (parts.length === 2 && first === "" && matches(parseChord(parts[0]!), e, this.mac)) prefix = parts[0]!;
      }
    }
    if (prefix !== "") {
      this.#pending = prefix;
      this.#pendingAt = e.timeStamp;
      e.preventDefault();
      return true;
    }
    return false;
  };

  #changed(): void {
    this.#snapshot = this.#scopes.toReversed().flatMap((s) => s.commands.map((c) => Object.assign({ scope: s.scope }, c)));
    for (const listener of this.#listeners) listener();
  }
}
