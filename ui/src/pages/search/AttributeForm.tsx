// SPDX-License-Identifier: Apache-2.0

// One condition on any attribute: field, operator, value; names and live values
// are offered by the server.

import { Autocomplete } from "@base-ui/react/autocomplete";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { FormEvent, ReactElement } from "react";
import { useState } from "react";
import { formatShort } from "../../base/format";
import { attributeRef, literalFor } from "../../lang/literals";
import { type Condition, type Op, literalText, readOutline } from "../../lang/outline";
import { Button, controlStyles, cx } from "../../widgets/controls";
import { getFields, getValues } from "../../wire/client";
import styles from "./Filters.module.css";
import type { Bounds } from "./range";

const operators: readonly { op: Op | "exists" | "absent"; label: string }[] = [
  { op: "=", label: "=" },
  { op: "!=", label: "≠" },
  { op: ">", label: ">" },
  { op: ">=", label: "≥" },
  { op: "<", label: "<" },
  { op: "<=", label: "≤" },
  { op: "=~", label: "matches" },
  { op: "!~", label: "does not match" },
  { op: "exists", label: "exists" },
  { op: "absent", label: "is missing" },
];

interface Props {
  initial?: Condition;
  bounds: Bounds;
  onSubmit: (condition: Condition) => void;
}

interface Suggestion {
  text: string;
  aside: string;
}

export function AttributeForm({ initial, bounds, onSubmit }: Props): ReactElement {
  const nil = initial?.literal === "nil";
  const [field, setField] = useState(initial?.field ?? "");
  const [op, setOp] = useState<Op | "exists" | "absent">(
    nil ? (initial.op === "=" ? "absent" : "exists") : (initial?.op ?? "="),
  );
  const [value, setValue] = useState(initial === undefined || nil ? "" : literalText(initial.literal));
  const [wrong, setWrong] = useState("");

  const fields = useQuery({
    queryKey: ["fields", bounds.start, bounds.end],
    queryFn: ({ signal }) => getFields(bounds, signal),
    staleTime: 30_000,
  });
  const known = fields.data?.fields.find((f) => f.name === field.trim());
  const wantsValue = op !== "exists" && op !== "absent";
  // Only strings have prefixes; of other types there are few values, narrowed here.
  const prefix = known?.types.includes("string") === true ? value : "";
  const values = useQuery({
    queryKey: ["values", field.trim(), "", bounds.start, bounds.end, prefix],
    queryFn: ({ signal }) => getValues({ field: field.trim(), prefix, ...bounds, limit: 100 }, signal),
    enabled: known !== undefined && wantsValue,
    staleTime: 10_000,
    retry: false,
    placeholderData: keepPreviousData,
  });

  const fieldItems = (fields.data?.fields ?? []).map((f): Suggestion => ({ text: f.name, aside: f.types.join(", ") }));
  const valueItems = (values.data?.values ?? []).map(
    (v): Suggestion => ({ text: String(v.value), aside: formatShort(v.count) }),
  );

  const finish = (text: string): void => {
    const written = field.trim();
    // A bare key such as `http.route` means the attribute of any scope.
    const asIs = readOutline(`{ ${written} = 1 }`)?.terms[0];
    const name = asIs?.kind === "condition" && asIs.field === written ? written : attributeRef("", written.replace(/^\./, ""));
    if (written === "") return setWrong("Choose an attribute.");
    if (wantsValue && text === "" && op !== "=" && op !== "!=") return setWrong("Give a value to compare with.");
    const regex = op === "=~" || op === "!~";
    onSubmit({
      kind: "condition",
      field: name,
      op: op === "exists" ? "!=" : op === "absent" ? "=" : op,
      literal: wantsValue ? literalFor(text, regex ? ["string"] : (known?.types ?? [])) : "nil",
    });
  };

  return (
    <form
      className={styles.form}
      onSubmit={(e: FormEvent) => {
        e.preventDefault();
        finish(value);
      }}
    >
      <Suggest label="Attribute" placeholder="span.http.route" value={field} items={fieldItems} onChange={setField} autoFocus />
      <div className={styles.opRow}>
        <select
          className={cx(controlStyles.input, styles.op)}
          aria-label="Operator"
          value={op}
          onChange={(e) => setOp(e.target.value as Op)}
        >
          {operators.map((o) => (
            <option key={o.op} value={o.op}>
              {o.label}
            </option>
          ))}
        </select>
        {wantsValue && (
          <Suggest label="Value" placeholder="value" value={value} items={valueItems} onChange={setValue} onPick={finish} />
        )}
        <Button look="primary" type="submit" className={styles.right}>
          {initial === undefined ? "Add" : "Apply"}
        </Button>
      </div>
      {wrong !== "" && (
        <p className={styles.wrong} role="alert">
          {wrong}
        </p>
      )}
    </form>
  );
}

function Suggest(props: {
  label: string;
  placeholder: string;
  value: string;
  items: Suggestion[];
  onChange: (value: string) => void;
  /** An item was chosen from the list, rather than typed. */
  onPick?: (value: string) => void;
  autoFocus?: boolean;
}): ReactElement {
  return (
    <Autocomplete.Root
      items={props.items}
      value={props.value}
      onValueChange={(v, details) => {
        props.onChange(v);
        if (details.reason === "item-press") props.onPick?.(v);
      }}
      itemToStringValue={(item: Suggestion) => item.text}
      limit={100}
      openOnInputClick
    >
      <Autocomplete.Input
        className={cx(controlStyles.input, styles.suggest)}
        aria-label={props.label}
        placeholder={props.placeholder}
        spellCheck={false}
        autoFocus={props.autoFocus}
      />
      <Autocomplete.Portal>
        <Autocomplete.Positioner sideOffset={3} align="start" className={cx(controlStyles.layer, styles.above)}>
          <Autocomplete.Popup className={cx(controlStyles.popup, styles.suggestions)}>
            <Autocomplete.List className={styles.list}>
              {(item: Suggestion) => (
                <Autocomplete.Item key={item.text} value={item} className={controlStyles.item}>
                  <span className={cx(styles.grow, styles.mono)}>{item.text}</span>
                  <span className={styles.aside}>{item.aside}</span>
                </Autocomplete.Item>
              )}
            </Autocomplete.List>
          </Autocomplete.Popup>
        </Autocomplete.Positioner>
      </Autocomplete.Portal>
    </Autocomplete.Root>
  );
}
