// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/test/harness"
)

var (
	kinds    = []string{"unspecified", "internal", "server", "client", "producer", "consumer"}
	statuses = []string{"unset", "ok", "error"}

	portPattern = regexp.MustCompile(`(127\.0\.0\.1(?::|%3A))\d+`)
	versions    = regexp.MustCompile(`(Chrome/|HeadlessChrome/|Safari/|python-requests/|Go-http-client/)[\d.]+`)
)

// renderer writes a trace as text for goldens: every field of every span, with
// what differs from run to run (ids, times, ports, processes) left out.
type renderer struct {
	root string // path of the repository, shown as REPO
}

// tree renders the trace as an indented tree: children under their parents,
// siblings in the order of their text, so that equal start times do not matter.
func (r *renderer) tree(spans harness.Spans, line func(*harness.Span) string) string {
	children := map[string][]*harness.Span{}
	for _, s := range spans {
		parent := s.Parent
		if spans.ByID(parent) == nil {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	var below func(id, indent string) []string
	below = func(id, indent string) []string {
		var texts []string
		for _, s := range children[id] {
			var b strings.Builder
			for l := range strings.Lines(line(s)) {
				b.WriteString(indent + l)
			}
			for _, text := range below(s.SpanID, indent+"  ") {
				b.WriteString(text)
			}
			texts = append(texts, b.String())
		}
		slices.Sort(texts)
		return texts
	}
	return strings.Join(below("", ""), "")
}

// short is one line of a span: service, name, kind and status.
func (r *renderer) short(s *harness.Span) string {
	return fmt.Sprintf("%s: %s [%s] %s\n", s.Service(), s.Name, kinds[s.Kind], statuses[s.Status])
}

// full is all of a span.
func (r *renderer) full(s *harness.Span) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s [%s] %s", s.Name, kinds[s.Kind], statuses[s.Status])
	if s.StatusMessage != "" {
		fmt.Fprintf(&b, " %q", s.StatusMessage)
	}
	fmt.Fprintf(&b, " flags=%#x tracestate=%s\n", s.Flags, s.TraceState)
	fmt.Fprintf(&b, "| scope %s %s%s\n", s.Scope, s.ScopeVersion, schema(s.ScopeSchema))
	r.attributes(&b, "|   ", s.ScopeAttributes)
	r.attributes(&b, "| ", s.Attributes)
	for _, e := range s.Events {
		fmt.Fprintf(&b, "| event %s\n", e.Name)
		r.attributes(&b, "|   ", e.Attributes)
	}
	for _, l := range s.Links {
		fmt.Fprintf(&b, "| link %s %s flags=%#x tracestate=%s\n", l.TraceID, l.SpanID, l.Flags, l.TraceState)
		r.attributes(&b, "|   ", l.Attributes)
	}
	if s.DroppedAttributes+s.DroppedEvents+s.DroppedLinks > 0 {
		fmt.Fprintf(&b, "| dropped %d attributes, %d events, %d links\n", s.DroppedAttributes, s.DroppedEvents, s.DroppedLinks)
	}
	return b.String()
}

// resources renders each different resource once.
func (r *renderer) resources(spans harness.Spans) string {
	var all []string
	for _, s := range spans {
		var b strings.Builder
		fmt.Fprintf(&b, "resource%s\n", schema(s.ResourceSchema))
		r.attributes(&b, "| ", s.Resource)
		all = append(all, b.String())
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "")
}

func schema(url string) string {
	if url == "" {
		return ""
	}
	return " schema " + url
}

func (r *renderer) attributes(b *strings.Builder, indent string, attrs map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		fmt.Fprintf(b, "%s%s: %s\n", indent, key, r.value(key, attrs[key]))
	}
}

// value renders an attribute with its type, and only the type where the value
// is of this run or machine.
func (r *renderer) value(key string, value any) string {
	volatile := strings.HasSuffix(key, ".port") || strings.HasPrefix(key, "process.") || key == "service.instance.id"
	switch v := value.(type) {
	case string:
		if volatile {
			return "string"
		}
		if key == "exception.stacktrace" {
			first, rest, _ := strings.Cut(v, "\n")
			return fmt.Sprintf("%q and more lines: %t", regexp.MustCompile(`goroutine \d+`).ReplaceAllString(first, "goroutine N"), rest != "")
		}
		v = portPattern.ReplaceAllString(v, "${1}PORT")
		v = versions.ReplaceAllString(v, "${1}VERSION")
		return fmt.Sprintf("%q", strings.ReplaceAll(v, r.root, "REPO"))
	case bool:
		return fmt.Sprintf("bool %t", v)
	case int64:
		if volatile {
			return "int"
		}
		return fmt.Sprintf("int %d", v)
	case float64:
		return fmt.Sprintf("double %v", v)
	case []byte:
		return fmt.Sprintf("bytes %x", v)
	case []any:
		if volatile {
			return "array"
		}
		items := make([]string, len(v))
		for i, e := range v {
			items[i] = r.value("", e)
		}
		return "array [" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var items []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			items = append(items, k+": "+r.value("", v[k]))
		}
		return "map {" + strings.Join(items, ", ") + "}"
	}
	return "empty"
}
