// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
)

func TestParseIDs(t *testing.T) {
	for _, c := range []struct {
		in          string
		trace, span string // "" where refused
	}{
		{"4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736", ""},
		{"4BF92F3577B34DA6A3CE929D0E0E4736", "4bf92f3577b34da6a3ce929d0e0e4736", ""},
		{"a3ce929d0e0e4736", "0000000000000000a3ce929d0e0e4736", "a3ce929d0e0e4736"},
		{"f", "0000000000000000000000000000000f", "000000000000000f"},
		{"0", "00000000000000000000000000000000", "0000000000000000"},
		{"0123456789abcdef0", "000000000000000123456789abcdef0"[0:15] + "0123456789abcdef0", ""},
		{"", "", ""},
		{"g", "", ""},
		{" 1", "", ""},
		{"0x1", "", ""},
		{"-1", "", ""},
		{"1\x00", "", ""},
		{"é", "", ""},
		{strings.Repeat("0", 33), "", ""},
		{strings.Repeat("\n", 1<<20), "", ""},
	} {
		id, err := span.ParseTraceID(c.in)
		if got := printed(id, err); got != c.trace {
			t.Errorf("trace id %.40q: %q (%v), want %q", c.in, got, err, c.trace)
		}
		sid, serr := span.ParseSpanID(c.in)
		if got := printed(sid, serr); got != c.span {
			t.Errorf("span id %.40q: %q (%v), want %q", c.in, got, serr, c.span)
		}
		for _, err := range []error{err, serr} {
			if err != nil && (!errors.Is(err, span.ErrID) || len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "\n\x00")) {
				t.Errorf("error for %.40q: %q", c.in, err)
			}
		}
	}
}

func printed(id interface{ String() string }, err error) string {
	if err != nil {
		return ""
	}
	return id.String()
}

func TestIDsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		high, low := rapid.Uint64().Draw(t, "high"), rapid.Uint64().Draw(t, "low")
		id, sid := span.TraceIDFrom(high, low), span.SpanIDFrom(low)
		if got, err := span.ParseTraceID(strings.ToUpper(id.String())); err != nil || got != id {
			t.Fatalf("%v: %v %v", id, got, err)
		}
		if got, err := span.ParseSpanID(string(sid.AppendHex(nil))); err != nil || got != sid {
			t.Fatalf("%v: %v %v", sid, got, err)
		}
		if id.High() != high || id.Key() != low || sid.Uint64() != low || string(id.AppendHex([]byte("x"))) != "x"+id.String() {
			t.Fatalf("%v does not give back its halves", id)
		}
		if trimmed := strings.TrimLeft(id.String(), "0"); trimmed != "" {
			if got, err := span.ParseTraceID(trimmed); err != nil || got != id {
				t.Fatalf("%q: %v %v", trimmed, got, err)
			}
		}
		if id.IsZero() != (high == 0 && low == 0) || sid.IsZero() != (low == 0) {
			t.Fatal("IsZero")
		}
	})
}

func TestSameTrace(t *testing.T) {
	full, short, other := span.TraceIDFrom(1, 7), span.TraceIDFrom(0, 7), span.TraceIDFrom(2, 7)
	for _, c := range []struct {
		a, b span.TraceID
		want bool
	}{
		{full, full, true}, {full, short, true}, {short, short, true}, {full, other, false}, {full, span.TraceIDFrom(1, 8), false},
	} {
		if c.a.SameTrace(c.b) != c.want || c.b.SameTrace(c.a) != c.want {
			t.Errorf("%v and %v: want %v", c.a, c.b, c.want)
		}
	}
}

func TestNotes(t *testing.T) {
	all := span.AllNotes()
	seen := map[string]bool{}
	var sum span.Notes
	for _, n := range all {
		if seen[n.Text()] || n.Text() == "unknown note" {
			t.Errorf("note %b: %q", n, n.Text())
		}
		seen[n.Text()] = true
		sum |= n
	}
	if len(all) < 11 || sum != span.Notes(1)<<len(all)-1 {
		t.Errorf("%d notes, bits %b", len(all), sum)
	}
	count := 0
	(^span.Notes(0)).Each(func(span.Notes) { count++ })
	if count != len(all) {
		t.Errorf("%d of %d known notes", count, len(all))
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		span.KindServer.String(): "server", span.Kind(-4).String(): "-4", span.Kind(9).String(): "9", span.KindUnspecified.String(): "unspecified",
		span.KindInternal.String(): "internal", span.KindClient.String(): "client", span.KindProducer.String(): "producer", span.KindConsumer.String(): "consumer",
		span.StatusError.String(): "error", span.StatusOK.String(): "ok", span.StatusUnset.String(): "unset", span.Status(3).String(): "3",
		span.TypeEmpty.String(): "empty", span.TypeMap.String(): "map", span.Type(8).String(): "type8",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
