// SPDX-License-Identifier: Apache-2.0

import { type Prefs, prefs } from "../base/prefs";

export type ThemeChoice = Prefs["theme"];

/** Keeps <html data-theme> at what the person chose or the system says. Call once, before the first render. */
export function followTheme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    const choice = prefs.theme.get();
    document.documentElement.dataset["theme"] = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
  };
  apply();
  dark.addEventListener("change", apply);
  prefs.theme.subscribe(apply);
}

/** The choice after this one, for one key that walks through all. */
export function nextTheme(choice: ThemeChoice): ThemeChoice {
  return choice === "system" ? "light" : choice === "light" ? "dark" : "system";
}
