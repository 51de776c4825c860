// SPDX-License-Identifier: Apache-2.0

// Buttons, keys, tooltips, dots: the small things every page uses.

import { Tooltip } from "@base-ui/react/tooltip";
import type { ButtonHTMLAttributes, ReactElement, ReactNode } from "react";
import { useContext } from "react";
import { formatKeys } from "../base/commands";
import { CommandsContext } from "../base/context";
import { serviceColor } from "../base/services";
import styles from "./controls.module.css";

export function cx(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "plain" | "primary" | "ghost";
  small?: boolean;
  /** Square; give it an aria-label. */
  icon?: boolean;
}

export function Button({ look = "plain", small, icon, className, ...rest }: ButtonProps): ReactElement {
  return (
    <button
      type="button"
      {...rest}
      className={cx(
        styles.button,
        look !== "plain" && styles[look],
        small === true && styles.small,
        icon === true && styles.icon,
        className,
      )}
    />
  );
}

/** Keys of a command as a person reads them: <Keys keys="mod+k" />. */
export function Keys({ keys }: { keys: string }): ReactElement {
  const { mac } = useContext(CommandsContext);
  return (
    <span className={styles.keys}>
      {formatKeys(keys, mac)
        .split(" ")
        .map((part, i) =>
          part === "then" ? (
            <span key={i}>then</span>
          ) : (
            <kbd key={i} className={styles.kbd}>
              {part}
            </kbd>
          ),
        )}
    </span>
  );
}

/** A tooltip on hover and focus. The child must be one element that takes a ref and props. */
export function Tip({ text, children, keys }: { text: ReactNode; children: ReactElement; keys?: string }): ReactElement {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger render={children} />
      <Tooltip.Portal>
        <Tooltip.Positioner sideOffset={6} className={styles.layer}>
          <Tooltip.Popup className={styles.tip}>
            {text}
            {keys !== undefined && (
              <>
                {" "}
                <Keys keys={keys} />
              </>
            )}
          </Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

/** The colour of a service. Decoration: the name stands beside it. */
export function ServiceDot({ name }: { name: string }): ReactElement {
  return <span className={styles.dot} style={{ color: serviceColor(name) }} aria-hidden="true" />;
}

export function Spinner(): ReactElement {
  return <span className={styles.spinner} aria-hidden="true" />;
}

export { styles as controlStyles };
