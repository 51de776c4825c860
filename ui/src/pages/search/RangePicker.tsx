// SPDX-License-Identifier: Apache-2.0

// The time range: relative presets, everything, or two times as a person types
// them.

import { Popover } from "@base-ui/react/popover";
import { Check } from "lucide-react";
import type { FormEvent, ReactElement } from "react";
import { useState } from "react";
import { type Zone, formatTime } from "../../base/format";
import { Button, controlStyles, cx } from "../../widgets/controls";
import { RangeButton } from "./RangeButton";
import styles from "./RangePicker.module.css";
import { type TimeRange, parseTypedTime, presets, relativeMs } from "./range";

interface Props {
  range: TimeRange;
  zone: Zone;
  onChange: (range: TimeRange) => void;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function RangePicker({ range, zone, onChange, open, onOpenChange }: Props): ReactElement {
  const choose = (next: TimeRange): void => {
    onOpenChange(false);
    onChange(next);
  };
  return (
    <Popover.Root open={open} onOpenChange={onOpenChange}>
      <Popover.Trigger render={<RangeButton range={range} zone={zone} />} />
      <Popover.Portal>
        <Popover.Positioner sideOffset={4} align="end" className={controlStyles.layer}>
          <Popover.Popup className={cx(controlStyles.popup, styles.popup)} aria-label="Time range">
            <div className={styles.presets}>
              {presets.map((p) => (
                <Preset
                  key={p.span}
                  chosen={range.kind === "relative" && range.span === p.span}
                  onClick={() => choose({ kind: "relative", span: p.span })}
                >
                  {p.label}
                </Preset>
              ))}
              <Preset chosen={range.kind === "all"} onClick={() => choose({ kind: "all" })}>
                All data
              </Preset>
            </div>
            <AbsoluteForm range={range} zone={zone} onSubmit={choose} />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Preset(props: { chosen: boolean; onClick: () => void; children: string }): ReactElement {
  return (
    <button type="button" className={styles.preset} aria-pressed={props.chosen} onClick={props.onClick}>
      <span className={controlStyles.tick}>{props.chosen && <Check size={14} aria-hidden="true" />}</span>
      {props.children}
    </button>
  );
}

function AbsoluteForm({
  range,
  zone,
  onSubmit,
}: {
  range: TimeRange;
  zone: Zone;
  onSubmit: (range: TimeRange) => void;
}): ReactElement {
  const [from, setFrom] = useState(() =>
    range.kind === "absolute"
      ? formatTime(range.startNs, zone, digits(range.startNs))
      : `now-${range.kind === "relative" ? range.span : "1h"}`,
  );
  const [to, setTo] = useState(() =>
    range.kind === "absolute" ? formatTime(range.endNs, zone, digits(range.endNs)) : "now",
  );
  const [wrong, setWrong] = useState<{ field: "from" | "to"; message: string } | null>(null);

  const submit = (e: FormEvent): void => {
    e.preventDefault();
    const now = Date.now();
    const back = /^now-(\d+[smhdw])$/.exec(from.trim());
    if (to.trim() === "now" && back !== null && relativeMs(back[1]!) !== null) {
      onSubmit({ kind: "relative", span: back[1]! });
      return;
    }
    const startNs = parseTypedTime(from, zone, now);
    const endNs = parseTypedTime(to, zone, now);
    const help = "Write 2026-11-23 14:03, 14:03:10, now-2h, or unix time.";
    if (startNs === null) setWrong({ field: "from", message: help });
    else if (endNs === null) setWrong({ field: "to", message: help });
    else if (endNs <= startNs) setWrong({ field: "to", message: "The end is not after the start." });
    else onSubmit({ kind: "absolute", startNs, endNs });
  };

  const field = (name: "from" | "to", label: string, value: string, set: (v: string) => void): ReactElement => (
    <label className={styles.field}>
      <span>{label}</span>
      <input
        className={cx(controlStyles.input, styles.input)}
        value={value}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={wrong?.field === name}
        aria-describedby={wrong?.field === name ? "range-error" : undefined}
        onChange={(e) => {
          set(e.target.value);
          setWrong(null);
        }}
      />
    </label>
  );

  return (
    <form className={styles.form} onSubmit={submit}>
      {field("from", "From", from, setFrom)}
      {field("to", "To", to, setTo)}
      <p id="range-error" className={wrong === null ? styles.note : styles.wrong} role={wrong === null ? undefined : "alert"}>
        {wrong?.message ?? (zone === "utc" ? "Times are UTC." : "Times are local.")}
      </p>
      <Button look="primary" type="submit">
        Apply
      </Button>
    </form>
  );
}

function digits(ns: bigint): number {
  return ns % 1_000_000_000n === 0n ? 0 : ns % 1_000_000n === 0n ? 3 : 9;
}
