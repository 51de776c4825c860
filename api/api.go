// SPDX-License-Identifier: Apache-2.0

// Package api holds the description of the native API. The handlers of each API are in the folders below, one an API.
package api

import _ "embed"

//go:embed openapi.yaml
var openAPI string

// OpenAPI returns the description of the native API, OpenAPI 3.1 in YAML.
func OpenAPI() []byte { return []byte(openAPI) }
