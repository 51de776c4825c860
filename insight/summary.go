// SPDX-License-Identifier: Apache-2.0

// Package insight is pure functions over answers: what a trace means, said shortly. It reads spans and imports no store.
package insight

import (
	"github.com/clew-tracing/clew/span"
)

// AppendSummary appends what a span did in a few words, by the semantic conventions of its kind, or nothing where the
// name says it all: "GET /cart 200", "SELECT orders", "publish orders". Old and new names of attributes are understood.
func AppendSummary(dst []byte, b *span.Batch, i int) []byte {
	start := len(dst)
	switch {
	case has(b, i, "http.request.method", "http.method"):
		dst = join(dst, start, b, i, "http.request.method", "http.method")
		dst = join(dst, start, b, i, "http.route", "url.template", "url.path", "http.target", "url.full", "http.url")
		dst = join(dst, start, b, i, "http.response.status_code", "http.status_code")
	case has(b, i, "db.system.name", "db.system"):
		n := len(dst)
		dst = join(dst, start, b, i, "db.query.summary")
		if len(dst) == n {
			dst = join(dst, start, b, i, "db.operation.name", "db.operation")
			dst = join(dst, start, b, i, "db.collection.name", "db.sql.table", "db.mongodb.collection")
		}
		if len(dst) == n {
			dst = join(dst, start, b, i, "db.system.name", "db.system")
		}
	case has(b, i, "messaging.system"):
		dst = join(dst, start, b, i, "messaging.operation.name", "messaging.operation.type", "messaging.operation")
		dst = join(dst, start, b, i, "messaging.destination.name", "messaging.destination")
	case has(b, i, "rpc.system.name", "rpc.system"):
		dst = join(dst, start, b, i, "rpc.service")
		dst = join(dst, start, b, i, "rpc.method")
		dst = join(dst, start, b, i, "rpc.response.status_code", "rpc.grpc.status_code")
	}
	return dst
}

// has reports whether span i has any of the attributes.
func has(b *span.Batch, i int, keys ...string) bool {
	for _, k := range keys {
		if _, ok := b.Attr(&b.Attrs, i, k); ok {
			return true
		}
	}
	return false
}

// maxWord bounds what one attribute adds, since URLs have no end.
const maxWord = 120

// join appends the first of the attributes that the span has, after a blank where something stands before it.
func join(dst []byte, start int, b *span.Batch, i int, keys ...string) []byte {
	for _, k := range keys {
		v, ok := b.Attr(&b.Attrs, i, k)
		if !ok || v.Type == span.TypeString && v.Str == "" {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if v.Type == span.TypeString {
			return append(dst, clip(v.Str)...)
		}
		word := len(dst)
		if dst = v.AppendText(dst); len(dst)-word > maxWord {
			dst = append(dst[:word], clip(string(dst[word:]))...)
		}
		return dst
	}
	return dst
}

// clip cuts at a rune's beginning.
func clip(s string) string {
	if len(s) <= maxWord {
		return s
	}
	n := maxWord
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
