// SPDX-License-Identifier: Apache-2.0

import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { CommandRegistry } from "../base/commands";
import { CommandsContext } from "../base/context";
import { cspNonce } from "../base/csp";
import "../base/tokens.css";
import "../base/base.css";
import { makeRouter } from "./routes";
import { followTheme } from "./theme";

followTheme();

const commands = new CommandRegistry();
addEventListener("keydown", (e) => void commands.handleKey(e));

const queries = new QueryClient({ defaultOptions: { queries: { retry: 1 } } });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <CSPProvider nonce={cspNonce()} disableStyleElements={cspNonce() === ""}>
      <CommandsContext value={commands}>
        <QueryClientProvider client={queries}>
          <Tooltip.Provider delay={500}>
            <RouterProvider router={makeRouter()} />
          </Tooltip.Provider>
        </QueryClientProvider>
      </CommandsContext>
    </CSPProvider>
  </StrictMode>,
);
