// SPDX-License-Identifier: Apache-2.0

// Writes src/wire/openapi.ts from api/openapi.yaml. With --check it writes
// nothing and fails when the file is not what it would write.

import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const target = new URL("../src/wire/openapi.ts", import.meta.url);
const ast = await openapiTS(new URL("../../api/openapi.yaml", import.meta.url));
const text = `// SPDX-License-Identifier: Apache-2.0\n\n// Made from api/openapi.yaml by \`npm run types\` in ui/openapi. Not edited by hand.\n\n${astToString(ast)}`;
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    process.stderr.write("src/wire/openapi.ts is not what api/openapi.yaml says: npm run types in ui/openapi\n");
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
