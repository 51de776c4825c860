// SPDX-License-Identifier: Apache-2.0

// Made from api/openapi.yaml by `npm run types` in ui/openapi. Not edited by hand.

export interface paths {
    "/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the server is and holds */
        get: operations["getStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Search traces with TraceQL */
        get: operations["search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/fields": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The attributes that stored spans have, and the intrinsics */
        get: operations["listFields"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The values of a field with how many spans have each, most frequent first */
        get: operations["listValues"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/traces/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 32 hex digits */
                id: components["parameters"]["TraceID"];
            };
            cookie?: never;
        };
        /** A whole trace as OTLP, or as text for people */
        get: operations["getTrace"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/traces/{id}/columns": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 32 hex digits */
                id: components["parameters"]["TraceID"];
            };
            cookie?: never;
        };
        /**
         * A whole trace as columns, which the UI draws from
         * @description `CLWTRC01`, uint32 length of the header, a JSON header padded with blanks so that what follows is aligned to 8 bytes, then the
         *     columns that the header lists, little endian. Rows are in pre-order of the tree, children by (start, span id).
         */
        get: operations["getTraceColumns"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/traces/{id}/spans": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 32 hex digits */
                id: components["parameters"]["TraceID"];
            };
            cookie?: never;
        };
        /** Everything about some spans of a trace */
        get: operations["getSpans"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * What can stand at the cursor of a query, and what is wrong with it
         * @description All offsets are UTF-16 code units, as editors count.
         */
        post: operations["complete"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.yaml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description */
        get: operations["getDescription"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ErrorAnswer: {
            error: {
                code: string;
                message: string;
                hint?: string;
                /** @description Bytes of the query */
                position?: {
                    from: number;
                    to: number;
                };
            };
        };
        Status: {
            version: string;
            /** Format: date-time */
            startedAt: string;
            /** @description host:port by flag name */
            addresses: {
                [key: string]: string;
            };
            walSync: string;
            retention: string;
            memoryLimit: number;
            spans: number;
            traces: number;
            /** @description With spans in the last hour of what is stored */
            services: number;
            storageBytes: number;
            oldestNs: string;
            newestNs: string;
        };
        SearchResult: {
            traces: components["schemas"]["FoundTrace"][];
            /** @description Empty when there is no more */
            cursor: string;
            /** @description Something stored could not be read; reason says what */
            partial: boolean;
            reason?: string;
            scanned: {
                [key: string]: number;
            };
            tookMs: number;
            explain?: string;
        };
        FoundTrace: {
            traceId: string;
            /** @description Of the earliest span where the root is missing */
            rootService: string;
            rootName: string;
            missingRoot: boolean;
            startNs: string;
            durationNs: string;
            spanCount: number;
            errorCount: number;
            services: {
                name: string;
                spans: number;
                errors: number;
            }[];
            matched: number;
            spans: components["schemas"]["FoundSpan"][];
            /** @description What by() and aggregates computed */
            groups?: {
                matched: number;
                attributes: components["schemas"]["Attribute"][];
            }[];
        };
        FoundSpan: {
            spanId: string;
            name: string;
            service: string;
            startNs: string;
            durationNs: string;
            status: string;
            kind: string;
            attributes: components["schemas"]["Attribute"][];
        };
        Field: {
            /** @description As a query names it */
            name: string;
            scope: string;
            key: string;
            types: string[] | null;
        };
        Value: {
            /** @enum {string} */
            type: "string" | "bool" | "int" | "double" | "bytes" | "array" | "map" | "empty";
            /** @description int: a string; bytes: base64; array: values; map: attributes; a double that JSON has no number for: a string */
            value: unknown;
        };
        Attribute: components["schemas"]["Value"] & {
            key: string;
        };
        Span: {
            row: number;
            traceId: string;
            spanId: string;
            parentSpanId?: string;
            name: string;
            kind: string;
            startNs: string;
            durationNs: string;
            status: string;
            statusMessage?: string;
            traceState?: string;
            flags: number;
            attributes: components["schemas"]["Attribute"][];
            resource: {
                attributes: components["schemas"]["Attribute"][];
                schemaUrl?: string;
                dropped?: number;
            };
            scope: {
                name: string;
                version?: string;
                attributes: components["schemas"]["Attribute"][];
                schemaUrl?: string;
                dropped?: number;
            };
            events: {
                timeNs: string;
                name: string;
                attributes: components["schemas"]["Attribute"][];
                dropped?: number;
            }[];
            links: {
                traceId: string;
                spanId: string;
                traceState?: string;
                attributes: components["schemas"]["Attribute"][];
                flags?: number;
                dropped?: number;
            }[];
            droppedAttributes?: number;
            droppedEvents?: number;
            droppedLinks?: number;
            /** @description What Clew had to repair or found impossible */
            notes: string[];
        };
        Completion: {
            from: number;
            to: number;
            items: {
                label: string;
                /** @enum {string} */
                kind: "attribute" | "intrinsic" | "value" | "keyword" | "operator" | "function" | "scope";
                detail: string;
                insert: string;
            }[];
            diagnostics: {
                from: number;
                to: number;
                /** @enum {string} */
                severity: "error" | "warning";
                message: string;
                hint?: string;
            }[];
        };
    };
    responses: {
        /** @description What was wrong */
        Error: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorAnswer"];
            };
        };
    };
    parameters: {
        /** @description TraceQL; empty finds everything */
        Query: string;
        /** @description Unix s, ms, µs or ns, or RFC 3339; absent for no bound */
        Start: string;
        /** @description As start */
        End: string;
        /** @description 1 to 32 hex digits */
        TraceID: string;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The status */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    search: {
        parameters: {
            query?: {
                /** @description TraceQL; empty finds everything */
                q?: components["parameters"]["Query"];
                /** @description Unix s, ms, µs or ns, or RFC 3339; absent for no bound */
                start?: components["parameters"]["Start"];
                /** @description As start */
                end?: components["parameters"]["End"];
                /** @description Traces of a page */
                limit?: number;
                /** @description Matched spans to show of each spanset; 0 for all */
                spss?: number;
                /** @description Which traces come first. The order is exact: equal ones come by start, then id. */
                order?: "newest" | "oldest" | "longest" | "errors" | "spans";
                /** @description Goes on where the answer with this cursor ended */
                cursor?: string;
                /** @description Also tell how the query was planned */
                explain?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The traces */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchResult"];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    listFields: {
        parameters: {
            query?: {
                scope?: "" | "span" | "resource" | "event" | "link" | "instrumentation" | "intrinsic";
                /** @description Only attributes of spans that match this spanset */
                q?: string;
                /** @description Unix s, ms, µs or ns, or RFC 3339; absent for no bound */
                start?: components["parameters"]["Start"];
                /** @description As start */
                end?: components["parameters"]["End"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The fields, by scope and name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        fields: components["schemas"]["Field"][];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    listValues: {
        parameters: {
            query: {
                /** @description An attribute with its scope, or an intrinsic */
                field: string;
                /** @description Only values of spans that match this spanset */
                q?: string;
                /** @description Only strings that begin with it */
                prefix?: string;
                /** @description 0 for all */
                limit?: number;
                /** @description Unix s, ms, µs or ns, or RFC 3339; absent for no bound */
                start?: components["parameters"]["Start"];
                /** @description As start */
                end?: components["parameters"]["End"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The values */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        field: string;
                        truncated: boolean;
                        values: {
                            value: unknown;
                            type: string;
                            count: number;
                        }[];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    getTrace: {
        parameters: {
            query?: {
                /** @description Also chosen by Accept: application/x-protobuf */
                format?: "json" | "protobuf" | "text";
            };
            header?: never;
            path: {
                /** @description 1 to 32 hex digits */
                id: components["parameters"]["TraceID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The trace */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        resourceSpans: Record<string, never>[];
                    };
                    "application/x-protobuf": string;
                    "text/plain": string;
                };
            };
            default: components["responses"]["Error"];
        };
    };
    getTraceColumns: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 1 to 32 hex digits */
                id: components["parameters"]["TraceID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The columns */
            200: {
                headers: {
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.clew.trace-columns": string;
                };
            };
            /** @description The trace is what If-None-Match says */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    getSpans: {
        parameters: {
            query?: {
                /** @description Rows of the columnar form, both ends included; this or ids */
                rows?: string;
                /** @description Span ids in hex with commas between; this or rows */
                ids?: string;
            };
            header?: never;
            path: {
                /** @description 1 to 32 hex digits */
                id: components["parameters"]["TraceID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The spans, at most 2,000 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        spans: components["schemas"]["Span"][];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    complete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    q: string;
                    cursor: number;
                    start?: string;
                    end?: string;
                };
            };
        };
        responses: {
            /** @description Items for the range from-to, best first, and diagnostics of the whole text */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Completion"];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    getDescription: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/yaml": string;
                };
            };
        };
    };
}
