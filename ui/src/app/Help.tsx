// SPDX-License-Identifier: Apache-2.0

// ?: the keys of the page, made from the commands themselves.

import { Dialog } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactElement } from "react";
import { useContext, useSyncExternalStore } from "react";
import type { ScopedCommand } from "../base/commands";
import { CommandsContext } from "../base/context";
import { Button, Keys } from "../widgets/controls";
import styles from "./Help.module.css";

/** Commands that have keys, by group, in order of registration. */
export function helpGroups(commands: readonly ScopedCommand[]): { group: string; commands: ScopedCommand[] }[] {
  const groups = new Map<string, ScopedCommand[]>();
  for (const c of commands) {
    if (c.hidden === true || c.keys.length === 0) continue;
    const name = c.group ?? c.scope;
    groups.set(name, [...(groups.get(name) ?? []), c]);
  }
  return [...groups].map(([group, list]) => ({ group, commands: list }));
}

export function Help({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }): ReactElement {
  const registry = useContext(CommandsContext);
  const commands = useSyncExternalStore(registry.subscribe, registry.list);
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.scrim} />
        <Dialog.Popup className={styles.popup}>
          <div className={styles.head}>
            <Dialog.Title className={styles.title}>Keyboard</Dialog.Title>
            <Dialog.Close
              render={
                <Button look="ghost" icon small aria-label="Close">
                  <X size={15} aria-hidden="true" />
                </Button>
              }
            />
          </div>
          <div className={styles.groups}>
            {helpGroups(commands).map(({ group, commands: list }) => (
              <section key={group} className={styles.group}>
                <h3>{group}</h3>
                <dl>
                  {list.map((c) => (
                    <div key={c.id} className={styles.row}>
                      <dt>{c.title}</dt>
                      <dd>
                        {c.keys.slice(0, 2).map((k, i) => (
                          <span key={k}>
                            {i > 0 && <span className={styles.or}> or </span>}
                            <Keys keys={k} />
                          </span>
                        ))}
                      </dd>
                    </div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
