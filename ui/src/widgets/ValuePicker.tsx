// SPDX-License-Identifier: Apache-2.0

// A pill that opens a searchable list of values with their counts: the service
// and operation pickers. The list comes from the server; what is typed narrows
// it, and may be used as it stands when it is not in the list.

import { Combobox } from "@base-ui/react/combobox";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Check, ChevronDown, X } from "lucide-react";
import type { ReactElement } from "react";
import { useMemo, useState } from "react";
import { formatShort } from "../base/format";
import type { ValuesResponse } from "../wire/api";
import { ServiceDot, Spinner, controlStyles, cx } from "./controls";
import styles from "./ValuePicker.module.css";

interface Item {
  value: string;
  count: number | null;
  typed: boolean;
}

interface Props {
  label: string;
  value: string | null;
  /** Identifies what load loads, for the cache. */
  cacheKey: readonly unknown[];
  /** Values that start with prefix ("" for the most frequent ones). */
  load: (prefix: string, signal: AbortSignal) => Promise<ValuesResponse>;
  onPick: (value: string | null) => void;
  disabled?: boolean;
  /** Values are services and get their colour. */
  dots?: boolean;
}

export function ValuePicker({ label, value, cacheKey, load, onPick, disabled, dots }: Props): ReactElement {
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");

  const all = useQuery({
    queryKey: ["values", ...cacheKey, ""],
    queryFn: ({ signal }) => load("", signal),
    enabled: open,
    staleTime: 10_000,
    placeholderData: keepPreviousData,
  });
  const narrowed = useQuery({
    queryKey: ["values", ...cacheKey, typed],
    queryFn: ({ signal }) => load(typed, signal),
    enabled: open && typed !== "" && all.data?.truncated === true,
    staleTime: 10_000,
    placeholderData: keepPreviousData,
  });

  const items = useMemo(() => {
    const needle = typed.trim().toLowerCase();
    const seen = new Set<string>();
    const out: Item[] = [];
    for (const v of [...(narrowed.data?.values ?? []), ...(all.data?.values ?? [])]) {
      const text = String(v.value);
      if (seen.has(text) || (needle !== "" && !text.toLowerCase().includes(needle))) continue;
      seen.add(text);
      out.push({ value: text, count: v.count, typed: false });
    }
    // What begins with the typed text first, then by count.
    const begins = (item: Item): number => (item.value.toLowerCase().startsWith(needle) ? 1 : 0);
    out.sort((a, b) => begins(b) - begins(a) || (b.count ?? 0) - (a.count ?? 0));
    if (value !== null && !seen.has(value) && (needle === "" || value.toLowerCase().includes(needle))) {
      out.unshift({ value, count: null, typed: false });
      seen.add(value);
    }
    if (typed.trim() !== "" && !seen.has(typed.trim())) out.push({ value: typed.trim(), count: null, typed: true });
    return out;
  }, [all.data, narrowed.data, typed, value]);

  const failed = all.error !== null;
  return (
    <div className={styles.pill} data-set={value !== null || undefined}>
      <Combobox.Root<Item>
        items={items}
        filter={null}
        value={value === null ? null : { value, count: null, typed: false }}
        isItemEqualToValue={(a, b) => a.value === b.value}
        itemToStringLabel={(item) => item.value}
        inputValue={typed}
        onInputValueChange={(text, details) => {
          if (details.reason === "input-change" || details.reason === "input-clear") setTyped(text);
        }}
        open={open}
        onOpenChange={(next) => {
          setOpen(next);
          if (!next) setTyped("");
        }}
        onValueChange={(item) => {
          if (item !== null) onPick(item.value);
        }}
        autoHighlight
        disabled={disabled}
      >
        <Combobox.Trigger className={styles.trigger} aria-label={value === null ? label : `${label} ${value}`}>
          {value === null ? (
            <>
              {label}
              <ChevronDown size={14} className={styles.chevron} aria-hidden="true" />
            </>
          ) : (
            <>
              <span className={styles.label}>{label}</span>
              {dots === true && <ServiceDot name={value} />}
              <span className={styles.value}>{value}</span>
            </>
          )}
        </Combobox.Trigger>
        <Combobox.Portal>
          <Combobox.Positioner sideOffset={4} align="start" className={controlStyles.layer}>
            <Combobox.Popup className={cx(controlStyles.popup, styles.popup)} aria-label={label}>
              <div className={styles.search}>
                <Combobox.Input
                  className={cx(controlStyles.input, styles.input)}
                  placeholder={`Find ${label.toLowerCase()}`}
                  aria-label={`Find ${label.toLowerCase()}`}
                  spellCheck={false}
                />
                {(all.isFetching || narrowed.isFetching) && <Spinner />}
              </div>
              <Combobox.Status className={styles.status}>
                {failed
                  ? all.error.message
                  : all.data !== undefined && items.length === 0
                    ? `No ${label.toLowerCase()} in this time range.`
                    : null}
              </Combobox.Status>
              <Combobox.List className={styles.list}>
                {(item: Item) => (
                  <Combobox.Item key={item.value} value={item} className={controlStyles.item}>
                    {dots === true && !item.typed ? (
                      <ServiceDot name={item.value} />
                    ) : (
                      <span className={controlStyles.tick}>
                        <Combobox.ItemIndicator>
                          <Check size={14} aria-hidden="true" />
                        </Combobox.ItemIndicator>
                      </span>
                    )}
                    <span className={styles.grow}>{item.typed ? `Use “${item.value}”` : item.value}</span>
                    {item.count !== null && <span className={styles.count}>{formatShort(item.count)}</span>}
                  </Combobox.Item>
                )}
              </Combobox.List>
              {all.data?.truncated === true && typed === "" && (
                <div className={styles.more}>The most frequent ones. Type to find others.</div>
              )}
            </Combobox.Popup>
          </Combobox.Positioner>
        </Combobox.Portal>
      </Combobox.Root>
      {value !== null && (
        <button
          type="button"
          className={styles.clear}
          aria-label={`Clear ${label.toLowerCase()}`}
          onClick={() => onPick(null)}
          disabled={disabled}
        >
          <X size={13} aria-hidden="true" />
        </button>
      )}
    </div>
  );
}
