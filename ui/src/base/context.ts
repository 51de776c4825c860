// SPDX-License-Identifier: Apache-2.0

import { createContext, useContext, useEffect, useRef } from "react";
import { type Command, CommandRegistry } from "./commands";

/** The app's registry of commands; the app provides it, pages add to it. */
export const CommandsContext = createContext<CommandRegistry>(new CommandRegistry());

/**
 * Registers commands while the component is mounted. `make` may close over
 * state: `run` and `enabled` always call the newest version of it, while ids,
 * titles and keys are those of the first.
 */
export function useCommands(scope: string, make: () => Command[]): void {
  const registry = useContext(CommandsContext);
  const latest = useRef(make);
  useEffect(() => {
    latest.current = make;
  });
  useEffect(() => {
    const find = (id: string): Command | undefined => latest.current().find((c) => c.id === id);
    return registry.registerCommands(
      scope,
      latest.current().map((c) =>
        Object.assign({}, c, {
          run: (e?: KeyboardEvent) => find(c.id)?.run(e),
          enabled: () => find(c.id)?.enabled?.() ?? true,
        }),
      ),
    );
  }, [registry, scope]);
}
