// SPDX-License-Identifier: Apache-2.0

import { Menu } from "@base-ui/react/menu";
import { History } from "lucide-react";
import type { ReactElement } from "react";
import { useState } from "react";
import { Button, controlStyles, cx } from "../../widgets/controls";
import { pastQueries } from "./queryHistory";
import styles from "./PastQueries.module.css";

/** Queries to begin with, shown until there is a history. */
const examples = [
  "{ status = error }",
  "{ duration > 500ms }",
  "{ span.http.response.status_code >= 500 }",
  '{ kind = server } >> { span.db.system.name != nil && duration > 100ms }',
];

/** The menu of queries run before, in the query box. */
export function PastQueries({ onPick }: { onPick: (query: string) => void }): ReactElement {
  const [past, setPast] = useState<readonly string[]>([]);
  return (
    <Menu.Root onOpenChange={(open) => open && setPast(pastQueries())}>
      <Menu.Trigger
        render={
          <Button look="ghost" icon aria-label="Queries run before" className={styles.trigger}>
            <History size={15} aria-hidden="true" />
          </Button>
        }
      />
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="end" className={controlStyles.layer}>
          <Menu.Popup className={cx(controlStyles.popup, styles.popup)}>
            <Menu.Group>
              <Menu.GroupLabel className={controlStyles.groupLabel}>
                {past.length === 0 ? "Examples" : "Run before"}
              </Menu.GroupLabel>
              {(past.length === 0 ? examples : past.slice(0, 15)).map((q) => (
                <Menu.Item key={q} className={cx(controlStyles.item, styles.item)} onClick={() => onPick(q)}>
                  <span className={styles.query}>{q}</span>
                </Menu.Item>
              ))}
            </Menu.Group>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
