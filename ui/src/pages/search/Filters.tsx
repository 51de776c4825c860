// SPDX-License-Identifier: Apache-2.0

// The pickers. They hold no state of their own: they show what the outline of
// the query says and write TraceQL back.

import { Menu } from "@base-ui/react/menu";
import { Popover } from "@base-ui/react/popover";
import { Check, ChevronDown, Plus, X } from "lucide-react";
import type { FormEvent, ReactElement } from "react";
import { useState } from "react";
import { normalizeDuration, quote } from "../../lang/literals";
import {
  type Condition,
  type Op,
  type Outline,
  addTerm,
  canonicalField,
  emptyOutline,
  findCondition,
  literalText,
  replaceTerm,
  setCondition,
  writeOutline,
} from "../../lang/outline";
import { ValuePicker } from "../../widgets/ValuePicker";
import pill from "../../widgets/ValuePicker.module.css";
import { Button, controlStyles, cx } from "../../widgets/controls";
import { getValues } from "../../wire/client";
import { AttributeForm } from "./AttributeForm";
import styles from "./Filters.module.css";
import type { Bounds } from "./range";

const service = "resource.service.name";
const equals: readonly Op[] = ["="];
const atLeast: readonly Op[] = [">", ">="];
const atMost: readonly Op[] = ["<", "<="];

interface Props {
  /** Null when the query has a shape the pickers cannot show. */
  outline: Outline | null;
  /** The text does not parse (yet). */
  broken: boolean;
  /** The text is being edited: half-typed terms are not worth a chip. */
  edited: boolean;
  bounds: Bounds;
  onChange: (outline: Outline) => void;
}

export function Filters({ outline, broken, edited, bounds, onChange }: Props): ReactElement {
  const shown = outline ?? emptyOutline;
  const disabled = outline === null;
  const chosenService = findCondition(shown, service, equals);
  const chosenName = findCondition(shown, "name", equals);

  // Values are counted among what the rest of the query leaves.
  const without = (field: string): string => writeOutline(setCondition({ ...shown, tail: "" }, field, equals, "=", null));
  const load = (field: string) => (prefix: string, signal: AbortSignal) =>
    getValues({ field, q: without(field), prefix, ...bounds, limit: 200 }, signal);

  return (
    <div className={styles.filters} role="group" aria-label="Filters">
      <ValuePicker
        label="Service"
        dots
        disabled={disabled}
        value={chosenService === null ? null : literalText(chosenService.literal)}
        cacheKey={[service, without(service), bounds.start, bounds.end]}
        load={load(service)}
        onPick={(v) => onChange(setCondition(shown, service, equals, "=", v === null ? null : quote(v)))}
      />
      <ValuePicker
        label="Operation"
        disabled={disabled}
        value={chosenName === null ? null : literalText(chosenName.literal)}
        cacheKey={["name", without("name"), bounds.start, bounds.end]}
        load={load("name")}
        onPick={(v) => onChange(setCondition(shown, "name", equals, "=", v === null ? null : quote(v)))}
      />
      <DurationFilter outline={shown} disabled={disabled} onChange={onChange} />
      <StatusFilter outline={shown} disabled={disabled} onChange={onChange} />
      {shown.terms.map((term, i) =>
        term.kind === "opaque" ? (
          edited ? null : <Chip key={i} text={term.text} onRemove={() => onChange(replaceTerm(shown, i, null))} />
        ) : ownedByPicker(shown, term) ? null : (
          <ConditionChip
            key={i}
            condition={term}
            bounds={bounds}
            onChange={(next) => onChange(replaceTerm(shown, i, next))}
          />
        ),
      )}
      <AddCondition disabled={disabled} bounds={bounds} onAdd={(c) => onChange(addTerm(shown, c))} />
      {disabled && (
        <span className={styles.standBack}>
          {broken
            ? "The filters come back when the query parses."
            : "The filters show queries of one { … } spanset; edit this one as text."}
        </span>
      )}
    </div>
  );
}

/** Whether one of the fixed pickers shows this very condition. */
function ownedByPicker(outline: Outline, term: Condition): boolean {
  const field = canonicalField(term.field);
  if ([service, "name", "status"].includes(field)) return findCondition(outline, field, equals) === term;
  if (["duration", "traceDuration"].includes(field) && field === durationField(outline)) {
    return findCondition(outline, field, atLeast) === term || findCondition(outline, field, atMost) === term;
  }
  return false;
}

/** The duration the picker shows: that of the trace when only it is asked for. */
function durationField(outline: Outline): "duration" | "traceDuration" {
  const has = (field: string): boolean =>
    findCondition(outline, field, atLeast) !== null || findCondition(outline, field, atMost) !== null;
  return !has("duration") && has("traceDuration") ? "traceDuration" : "duration";
}

function Chip({ text, onRemove }: { text: string; onRemove: () => void }): ReactElement {
  return (
    <span className={pill.pill} data-set>
      <span className={cx(styles.chipText, pill.value, pill.mono)} title={text}>
        {text}
      </span>
      <button type="button" className={pill.clear} aria-label={`Remove ${text}`} onClick={onRemove}>
        <X size={13} aria-hidden="true" />
      </button>
    </span>
  );
}

function ConditionChip(props: {
  condition: Condition;
  bounds: Bounds;
  onChange: (next: Condition | null) => void;
}): ReactElement {
  const [open, setOpen] = useState(false);
  const { field, op, literal } = props.condition;
  const text = `${field} ${op} ${literal}`;
  return (
    <span className={pill.pill} data-set>
      <Popover.Root open={open} onOpenChange={setOpen}>
        <Popover.Trigger className={pill.trigger} title={text}>
          <span className={cx(pill.value, pill.mono)}>{text}</span>
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Positioner sideOffset={4} align="start" className={controlStyles.layer}>
            <Popover.Popup className={cx(controlStyles.popup, styles.popup)} aria-label="Edit condition">
              <AttributeForm
                initial={props.condition}
                bounds={props.bounds}
                onSubmit={(next) => {
                  setOpen(false);
                  props.onChange(next);
                }}
              />
            </Popover.Popup>
          </Popover.Positioner>
        </Popover.Portal>
      </Popover.Root>
      <button type="button" className={pill.clear} aria-label={`Remove ${text}`} onClick={() => props.onChange(null)}>
        <X size={13} aria-hidden="true" />
      </button>
    </span>
  );
}

function AddCondition(props: { disabled: boolean; bounds: Bounds; onAdd: (c: Condition) => void }): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={styles.add} disabled={props.disabled}>
        <Plus size={14} aria-hidden="true" />
        Attribute
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={4} align="start" className={controlStyles.layer}>
          <Popover.Popup className={cx(controlStyles.popup, styles.popup)} aria-label="Add a condition">
            <AttributeForm
              bounds={props.bounds}
              onSubmit={(c) => {
                setOpen(false);
                props.onAdd(c);
              }}
            />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

interface PickerProps {
  outline: Outline;
  disabled: boolean;
  onChange: (outline: Outline) => void;
}

const statuses = [
  { value: "error", label: "Error" },
  { value: "ok", label: "Ok" },
  { value: "unset", label: "Unset" },
] as const;

function StatusFilter({ outline, disabled, onChange }: PickerProps): ReactElement {
  const chosen = findCondition(outline, "status", equals)?.literal ?? null;
  const set = (value: string | null): void => onChange(setCondition(outline, "status", equals, "=", value));
  return (
    <span className={pill.pill} data-set={chosen !== null || undefined}>
      <Menu.Root>
        <Menu.Trigger className={pill.trigger} disabled={disabled}>
          {chosen === null ? (
            <>
              Status
              <ChevronDown size={14} className={pill.chevron} aria-hidden="true" />
            </>
          ) : (
            <>
              <span className={pill.label}>Status</span>
              <span className={cx(pill.value, chosen === "error" && styles.error)}>{chosen}</span>
            </>
          )}
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={4} align="start" className={controlStyles.layer}>
            <Menu.Popup className={controlStyles.popup}>
              <Menu.RadioGroup value={chosen ?? ""} onValueChange={(v: string) => set(v === "" ? null : v)}>
                <Menu.RadioItem value="" className={controlStyles.item} closeOnClick>
                  <span className={controlStyles.tick}>
                    <Menu.RadioItemIndicator>
                      <Check size={14} aria-hidden="true" />
                    </Menu.RadioItemIndicator>
                  </span>
                  Any
                </Menu.RadioItem>
                {statuses.map((s) => (
                  <Menu.RadioItem key={s.value} value={s.value} className={controlStyles.item} closeOnClick>
                    <span className={controlStyles.tick}>
                      <Menu.RadioItemIndicator>
                        <Check size={14} aria-hidden="true" />
                      </Menu.RadioItemIndicator>
                    </span>
                    <span className={s.value === "error" ? styles.error : undefined}>{s.label}</span>
                  </Menu.RadioItem>
                ))}
              </Menu.RadioGroup>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {chosen !== null && (
        <button type="button" className={pill.clear} aria-label="Clear status" onClick={() => set(null)}>
          <X size={13} aria-hidden="true" />
        </button>
      )}
    </span>
  );
}

const quick = ["100ms", "500ms", "1s", "5s"];

function DurationFilter({ outline, disabled, onChange }: PickerProps): ReactElement {
  const [open, setOpen] = useState(false);
  const field = durationField(outline);
  const min = findCondition(outline, field, atLeast);
  const max = findCondition(outline, field, atMost);
  const set = (to: { field: "duration" | "traceDuration"; min: string | null; max: string | null }): void => {
    let next = outline;
    for (const old of ["duration", "traceDuration"] as const) {
      if (old !== to.field && old !== field) continue;
      next = setCondition(next, old, atLeast, min?.op ?? ">=", old === to.field ? to.min : null);
      next = setCondition(next, old, atMost, max?.op ?? "<=", old === to.field ? to.max : null);
    }
    onChange(next);
  };
  const chosen = min !== null || max !== null;
  return (
    <span className={pill.pill} data-set={chosen || undefined}>
      <Popover.Root open={open} onOpenChange={setOpen}>
        <Popover.Trigger className={pill.trigger} disabled={disabled}>
          {chosen ? (
            <>
              <span className={pill.label}>{field === "duration" ? "Duration" : "Trace duration"}</span>
              <span className={pill.value}>
                {min !== null && max !== null
                  ? `${min.literal} – ${max.literal}`
                  : min !== null
                    ? `${min.op === ">" ? ">" : "≥"} ${min.literal}`
                    : `${max!.op === "<" ? "<" : "≤"} ${max!.literal}`}
              </span>
            </>
          ) : (
            <>
              Duration
              <ChevronDown size={14} className={pill.chevron} aria-hidden="true" />
            </>
          )}
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Positioner sideOffset={4} align="start" className={controlStyles.layer}>
            <Popover.Popup className={cx(controlStyles.popup, styles.popup)} aria-label="Duration">
              <DurationForm
                field={field}
                min={min?.literal ?? ""}
                max={max?.literal ?? ""}
                onSubmit={(to) => {
                  setOpen(false);
                  set(to);
                }}
              />
            </Popover.Popup>
          </Popover.Positioner>
        </Popover.Portal>
      </Popover.Root>
      {chosen && (
        <button
          type="button"
          className={pill.clear}
          aria-label="Clear duration"
          onClick={() => set({ field, min: null, max: null })}
        >
          <X size={13} aria-hidden="true" />
        </button>
      )}
    </span>
  );
}

function DurationForm(props: {
  field: "duration" | "traceDuration";
  min: string;
  max: string;
  onSubmit: (to: { field: "duration" | "traceDuration"; min: string | null; max: string | null }) => void;
}): ReactElement {
  const [field, setField] = useState(props.field);
  const [min, setMin] = useState(props.min);
  const [max, setMax] = useState(props.max);
  const bad = (text: string): boolean => text.trim() !== "" && normalizeDuration(text) === null;
  const submit = (e: FormEvent): void => {
    e.preventDefault();
    if (!bad(min) && !bad(max)) props.onSubmit({ field, min: normalizeDuration(min), max: normalizeDuration(max) });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <div className={styles.segments} role="radiogroup" aria-label="Duration of">
        {(["duration", "traceDuration"] as const).map((f) => (
          <label key={f} className={styles.segment}>
            <input type="radio" name="duration-of" checked={field === f} onChange={() => setField(f)} />
            {f === "duration" ? "of a span" : "of the trace"}
          </label>
        ))}
      </div>
      <div className={styles.pair}>
        <input
          className={controlStyles.input}
          placeholder="min, e.g. 100ms"
          aria-label="Shortest"
          aria-invalid={bad(min)}
          value={min}
          onChange={(e) => setMin(e.target.value)}
        />
        <span aria-hidden="true">–</span>
        <input
          className={controlStyles.input}
          placeholder="max"
          aria-label="Longest"
          aria-invalid={bad(max)}
          value={max}
          onChange={(e) => setMax(e.target.value)}
        />
      </div>
      {(bad(min) || bad(max)) && (
        <p className={styles.wrong} role="alert">
          Write 250ms, 1.5s, 2m or 1h30m. A bare number counts milliseconds.
        </p>
      )}
      <div className={styles.quick}>
        {quick.map((q) => (
          <Button key={q} small onClick={() => props.onSubmit({ field, min: q, max: null })}>
            ≥ {q}
          </Button>
        ))}
        <Button look="primary" small type="submit" className={styles.right}>
          Apply
        </Button>
      </div>
    </form>
  );
}
