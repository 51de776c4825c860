// SPDX-License-Identifier: Apache-2.0

// ⌘K: every command of the page, by name. A trace id typed or pasted opens the
// trace; anything else can be searched for.

import { Autocomplete } from "@base-ui/react/autocomplete";
import { Dialog } from "@base-ui/react/dialog";
import { useNavigate } from "@tanstack/react-router";
import type { ReactElement } from "react";
import { useContext, useMemo, useState, useSyncExternalStore } from "react";
import { CommandsContext } from "../base/context";
import { quote } from "../lang/literals";
import { Keys, controlStyles, cx } from "../widgets/controls";
import styles from "./Palette.module.css";
import { rank } from "./rank";

interface Entry {
  id: string;
  title: string;
  group: string;
  keys: string | undefined;
  run: () => void;
}

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function Palette({ open, onOpenChange }: Props): ReactElement {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.scrim} />
        <Dialog.Popup className={styles.popup} aria-label="Commands">
          <PaletteBody close={() => onOpenChange(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function PaletteBody({ close }: { close: () => void }): ReactElement {
  const registry = useContext(CommandsContext);
  const commands = useSyncExternalStore(registry.subscribe, registry.list);
  const navigate = useNavigate();
  const [text, setText] = useState("");

  const entries = useMemo(() => {
    const all = commands
      .filter((c) => c.hidden !== true && c.id !== "app.palette" && (c.enabled?.() ?? true))
      .map((c): Entry => ({ id: c.id, title: c.title, group: c.group ?? c.scope, keys: c.keys[0], run: () => c.run() }));
    const typed = text.trim();
    const found = rank(all, typed, (e) => `${e.title} ${e.group}`);
    const extra: Entry[] = [];
    if (/^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i.test(typed)) {
      extra.push({
        id: "open-trace",
        title: `Open trace ${typed.toLowerCase()}`,
        group: "Trace",
        keys: undefined,
        run: () => void navigate({ to: "/trace/$traceId", params: { traceId: typed.toLowerCase() } }),
      });
    } else if (typed !== "") {
      const query = typed.startsWith("{") ? typed : `{ name =~ ${quote(`(?i).*${escapeRegex(typed)}.*`)} }`;
      extra.push({
        id: "search-for",
        title: typed.startsWith("{") ? `Search ${typed}` : `Search operations named like “${typed}”`,
        group: "Search",
        keys: undefined,
        run: () => void navigate({ to: "/search", search: { q: query }, state: (s) => ({ ...s, runAt: Date.now() }) }),
      });
    }
    return /^[0-9a-f]{16,32}$|^\{/i.test(typed) ? [...extra, ...found] : [...found, ...extra];
  }, [commands, text, navigate]);

  return (
    <Autocomplete.Root
      open
      inline
      items={entries}
      filter={null}
      value={text}
      onValueChange={(v, details) => {
        if (details.reason !== "item-press") setText(v);
      }}
      itemToStringValue={(e: Entry) => e.title}
      autoHighlight="always"
      keepHighlight
    >
      <Autocomplete.Input
        className={styles.input}
        placeholder="Type a command, a trace id, or what to search for"
        aria-label="Type a command, a trace id, or what to search for"
        spellCheck={false}
      />
      <Autocomplete.List className={styles.list}>
        {(entry: Entry) => (
          <Autocomplete.Item
            key={entry.id}
            value={entry}
            className={cx(controlStyles.item, styles.item)}
            onClick={() => {
              close();
              // After the dialog has given the focus back, so that a command may take it.
              setTimeout(entry.run, 0);
            }}
          >
            <span className={styles.title}>{entry.title}</span>
            <span className={styles.group}>{entry.group}</span>
            {entry.keys !== undefined && <Keys keys={entry.keys} />}
          </Autocomplete.Item>
        )}
      </Autocomplete.List>
    </Autocomplete.Root>
  );
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
