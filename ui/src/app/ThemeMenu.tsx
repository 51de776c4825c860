// SPDX-License-Identifier: Apache-2.0

import { Menu } from "@base-ui/react/menu";
import { Check, Monitor, Moon, Sun } from "lucide-react";
import type { ReactElement } from "react";
import { usePref } from "../base/prefs";
import { Button, controlStyles } from "../widgets/controls";
import styles from "./Shell.module.css";
import type { ThemeChoice } from "./theme";

const themes: readonly { choice: ThemeChoice; label: string; Icon: typeof Sun }[] = [
  { choice: "light", label: "Light", Icon: Sun },
  { choice: "dark", label: "Dark", Icon: Moon },
  { choice: "system", label: "As the system", Icon: Monitor },
];

export function ThemeMenu(): ReactElement {
  const [theme, setTheme] = usePref("theme");
  const ThemeIcon = themes.find((t) => t.choice === theme)!.Icon;
  return (
    <Menu.Root>
      <Menu.Trigger
        render={
          <Button look="ghost" icon aria-label="Theme">
            <ThemeIcon size={16} aria-hidden="true" />
          </Button>
        }
      />
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="end" className={controlStyles.layer}>
          <Menu.Popup className={controlStyles.popup}>
            <Menu.RadioGroup value={theme} onValueChange={(v: ThemeChoice) => setTheme(v)}>
              {themes.map(({ choice, label, Icon }) => (
                <Menu.RadioItem key={choice} value={choice} className={controlStyles.item} closeOnClick>
                  <Icon size={15} aria-hidden="true" />
                  <span className={styles.grow}>{label}</span>
                  <Menu.RadioItemIndicator>
                    <Check size={14} aria-hidden="true" />
                  </Menu.RadioItemIndicator>
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
