// SPDX-License-Identifier: Apache-2.0

import { ChevronDown, Clock } from "lucide-react";
import type { ComponentProps, ReactElement } from "react";
import type { Zone } from "../../base/format";
import { Button } from "../../widgets/controls";
import { type TimeRange, rangeText } from "./range";
import styles from "./RangePicker.module.css";

interface Props extends Omit<ComponentProps<"button">, "children"> {
  range: TimeRange;
  zone: Zone;
}

/** The button that says what the time range is; it stands there before the picker behind it is loaded. */
export function RangeButton({ range, zone, ...rest }: Props): ReactElement {
  return (
    <Button {...rest} className={styles.trigger}>
      <Clock size={14} aria-hidden="true" className={styles.clock} />
      <span className={styles.text}>{rangeText(range, zone)}</span>
      <ChevronDown size={14} aria-hidden="true" className={styles.clock} />
    </Button>
  );
}
