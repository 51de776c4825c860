// SPDX-License-Identifier: Apache-2.0

package query

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/traceql"
)

// base is the zero of the times in tests: 1000 s.
const base = int64(1000e9)

// parseSpans reads spans written as lines of words:
//
//	trace=1 id=2 parent=1 name="GET /" kind=client status=error message="no" start=1s dur=2s scope=lib@1.0 \
//	  resource.service.name="a" span.x=1 .y=[1,"b"] event="e"@500ms event.k="v" link=1/2 link.k="v"
//
// An event's or a link's attributes follow it. start counts from base. Words of trace carry over to later lines.
func parseSpans(text string) (*span.Batch, error) {
	b := &span.Batch{Tenant: span.DefaultTenant, Arrival: base}
	resources := map[string]int{}
	scopes := map[string]int{}
	trace := span.TraceIDFrom(0, 1)
	text = strings.ReplaceAll(text, "\\\n", " ")
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		words, err := splitWords(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		row := b.AddSpan()
		s := spanLoader{b: b, row: row}
		for _, w := range words {
			if id, ok := strings.CutPrefix(w, "trace="); ok {
				if trace, err = span.ParseTraceID(id); err != nil {
					return nil, err
				}
				continue
			}
			if err := s.word(w); err != nil {
				return nil, fmt.Errorf("line %d: %s: %w", n+1, w, err)
			}
		}
		b.TraceID[row] = trace
		key := strings.Join(s.resource, " ")
		r, ok := resources[key]
		if !ok {
			r = b.Resources.Add()
			resources[key] = r
			for _, w := range s.resource {
				if err := s.attr(&b.Resources.Attrs, w); err != nil {
					return nil, err
				}
			}
			b.Resources.Attrs.EndOwner()
		}
		b.Resource[row] = uint32(r)
		key = s.scope + " " + strings.Join(s.scopeAttrs, " ")
		sc, ok := scopes[key]
		if !ok {
			name, version, _ := strings.Cut(s.scope, "@")
			sc = b.Scopes.Add(b.Strings.InternString(name), b.Strings.InternString(version))
			scopes[key] = sc
			for _, w := range s.scopeAttrs {
				if err := s.attr(&b.Scopes.Attrs, w); err != nil {
					return nil, err
				}
			}
			b.Scopes.Attrs.EndOwner()
		}
		b.Scope[row] = uint32(sc)
		s.endTable()
		b.EndSpan()
	}
	return b, nil
}

type spanLoader struct {
	b                    *span.Batch
	row                  int
	resource, scopeAttrs []string
	scope                string
	open                 *span.Attrs // of the event or link that is not finished
}

func (s *spanLoader) endTable() {
	if s.open != nil {
		s.open.EndOwner()
		s.open = nil
	}
}

func (s *spanLoader) word(w string) error {
	name, value, ok := strings.Cut(w, "=")
	if !ok {
		return fmt.Errorf("no =")
	}
	b, row := s.b, s.row
	var err error
	switch name {
	case "id":
		b.SpanID[row], err = span.ParseSpanID(value)
	case "parent":
		b.ParentID[row], err = span.ParseSpanID(value)
	case "name", "message":
		var text string
		text, err = strconv.Unquote(value)
		if name == "name" {
			b.Name[row] = b.Strings.InternString(text)
		} else {
			b.StatusMessage[row] = b.Strings.InternString(text)
		}
	case "kind", "status":
		e, errs := traceql.Parse("{ " + name + " = " + value + " }")
		if len(errs) > 0 {
			return errs
		}
		traceql.Walk(e, func(n traceql.Node) bool {
			if l, ok := n.(*traceql.Literal); ok && name == "kind" {
				b.Kind[row] = span.Kind(l.Value.Int)
			} else if ok {
				b.Status[row] = span.Status(l.Value.Int)
			}
			return true
		})
	case "start", "dur":
		ns, ok := traceql.ParseDuration(value)
		if !ok {
			return fmt.Errorf("no duration")
		}
		if name == "start" {
			b.Start[row] = base + ns
		} else {
			b.Duration[row] = ns
		}
	case "scope":
		s.scope = value
	case "event":
		s.endTable()
		text, at, _ := strings.Cut(value, "@")
		ns, _ := traceql.ParseDuration(at)
		text, err = strconv.Unquote(text)
		b.Events.Add(b.Start[row]+ns, b.Strings.InternString(text), 0)
		s.open = &b.Events.Attrs
	case "link":
		s.endTable()
		t, id, _ := strings.Cut(value, "/")
		var traceID span.TraceID
		var spanID span.SpanID
		if traceID, err = span.ParseTraceID(t); err == nil {
			spanID, err = span.ParseSpanID(id)
		}
		b.Links.Add(traceID, spanID, 0, 0, 0)
		s.open = &b.Links.Attrs
	default:
		return s.attrWord(w)
	}
	return err
}

func (s *spanLoader) attrWord(w string) error {
	scope, _, _ := strings.Cut(w, ".")
	switch scope {
	case "span":
		return s.attr(&s.b.Attrs, w)
	case "resource":
		s.resource = append(s.resource, w)
	case "instrumentation":
		s.scopeAttrs = append(s.scopeAttrs, w)
	case "event", "link":
		return s.attr(s.open, w)
	default:
		return fmt.Errorf("unknown word")
	}
	return nil
}

func (s *spanLoader) attr(a *span.Attrs, w string) error {
	name, value, _ := strings.Cut(w, "=")
	_, key, _ := strings.Cut(name, ".")
	v, err := parseValue(value)
	if err != nil {
		return err
	}
	s.b.AddAttr(a, key, v)
	return nil
}

func parseValue(text string) (span.Value, error) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		var elems []span.Value
		for e := range strings.SplitSeq(strings.TrimSuffix(inner, "]"), ",") {
			if e == "" {
				continue
			}
			v, err := parseValue(e)
			if err != nil {
				return v, err
			}
			elems = append(elems, v)
		}
		return span.ArrayValue(elems...), nil
	}
	switch {
	case text == "true", text == "false":
		return span.BoolValue(text == "true"), nil
	case text[0] == '"':
		s, err := strconv.Unquote(text)
		return span.StringValue(s), err
	case text[0] == '#':
		return span.BytesValue([]byte(text[1:])), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return span.IntValue(n), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	return span.DoubleValue(f), err
}

// splitWords splits at spaces outside of quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	start, quoted := -1, false
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"' && (i == 0 || line[i-1] != '\\'):
			quoted = !quoted
			if start < 0 {
				start = i
			}
		case c == ' ' && !quoted:
			if start >= 0 {
				words = append(words, line[start:i])
				start = -1
			}
		case start < 0:
			start = i
		}
	}
	if quoted {
		return nil, fmt.Errorf("open quote")
	}
	if start >= 0 {
		words = append(words, line[start:])
	}
	return words, nil
}

// shortID is an id without its leading zeros.
func shortID(hex string) string {
	if s := strings.TrimLeft(hex, "0"); s != "" {
		return s
	}
	return "0"
}

func fieldOf(name string) match.Field {
	r, err := traceql.ParseRef(name)
	if err != nil {
		panic(err)
	}
	return FieldOf(r)
}
