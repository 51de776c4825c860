// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers lists the folders of the module, ground first. A folder may import
// itself and those before it.
var layers = []string{
	"base", "span", "match", "wire", "rollup", "state", "ingest", "pipeline", "blob", "store",
	"traceql", "query", "insight", "api", "ui", "server", "demo", "cmd",
}

// only narrows what a folder may import of the module to a list.
var only = map[string][]string{
	"base":    nil,
	"span":    {"base"},
	"match":   {"base", "span"},
	"wire":    {"base", "span"},
	"traceql": {"base", "span", "match"},
	"insight": {"base", "span", "match", "rollup"},
	"ui":      {"base"},
}

// forbidden are imports that a folder must do without, and why.
var forbidden = map[string]map[string]string{
	"wire": {
		"net":      "wire turns bytes into spans and knows no network",
		"net/http": "wire turns bytes into spans and knows no network",
		"os":       "wire turns bytes into spans and knows no files",
	},
	"span":    {"net": "the model is pure", "net/http": "the model is pure", "os": "the model is pure"},
	"match":   {"net": "predicates are pure", "net/http": "predicates are pure", "os": "predicates are pure"},
	"traceql": {"net": "the language is pure", "net/http": "the language is pure", "os": "the language is pure"},
	"insight": {"net": "insight is pure functions", "net/http": "insight is pure functions", "os": "insight is pure functions"},
	"store":   {"os": "all disk I/O goes through base/fs"},
}

// testImports lists what tests may import although the code beside them may not:
// folder -> folders.
var testImports = map[string][]string{}

// outside are the folders that are no layer: nothing imports them, they may
// import anything but cmd.
var outside = []string{"test", "tools"}

func TestLayers(t *testing.T) {
	for _, f := range goFiles(t) {
		folder := top(f.path)
		rank := slices.Index(layers, folder)
		if rank < 0 && !slices.Contains(outside, folder) {
			t.Errorf("%s: folder %q has no place in the list of layers; put it there or move the file", f.path, folder)
			continue
		}
		for _, imp := range f.ast.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := forbidden[folder][p]; why != "" && !f.isTest() {
				t.Errorf("%s:%d: imports %s: %s", f.path, f.line(imp), p, why)
			}
			local, ok := strings.CutPrefix(p, module+"/")
			if !ok {
				continue
			}
			to := top(local + "/")
			if why := mayImport(folder, to, f.isTest()); why != "" {
				t.Errorf("%s:%d: %s imports %s: %s", f.path, f.line(imp), folder, local, why)
			}
		}
	}
}

// mayImport returns why a file in folder may not import a package in to, "" if
// it may.
func mayImport(folder, to string, test bool) string {
	switch {
	case to == "cmd":
		return "nothing sees cmd"
	case to == folder:
		return ""
	case slices.Contains(outside, to):
		return to + " is not part of the product"
	case slices.Contains(outside, folder):
		return ""
	case test && slices.Contains(testImports[folder], to):
		return ""
	case slices.Index(layers, to) > slices.Index(layers, folder):
		return "a folder may import only folders above it in the list of layers"
	}
	if allowed, narrow := only[folder]; narrow && !slices.Contains(allowed, to) {
		return folder + " may import only " + strings.Join(allowed, ", ")
	}
	return ""
}

func TestLayerRule(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test, ok bool
	}{
		{"store", "span", false, true},
		{"span", "store", false, false},
		{"traceql", "store", false, false},
		{"server", "cmd", false, false},
		{"store", "store", false, true},
		{"store", "tools", true, false},
		{"test", "server", false, true},
		{"test", "cmd", true, false},
	} {
		if got := mayImport(c.from, c.to, c.test); (got == "") != c.ok {
			t.Errorf("%s -> %s (test %v): %q", c.from, c.to, c.test, got)
		}
	}
}

// uiLayers lists the folders of ui/src, ground first, with the same rule.
var uiLayers = []string{"base", "wire", "model", "canvas", "lang", "widgets", "pages", "app"}

// uiImport finds what a module imports: from "x", import "x" and import("x").
var uiImport = regexp.MustCompile(`(?m)(?:^|[\s;}])(?:from|import)\s*\(?\s*["']([^"']+)["']`)

func TestUILayers(t *testing.T) {
	const src = "ui/src/"
	found := 0
	for _, f := range repoFiles(t) {
		rel, ok := strings.CutPrefix(f.path, src)
		if !ok || !slices.Contains([]string{"ts", "tsx", "js", "mjs"}, f.ext()) {
			continue
		}
		found++
		folder := top(rel)
		if folder == "" {
			continue // ambient declarations
		}
		rank := slices.Index(uiLayers, folder)
		if rank < 0 {
			t.Errorf("%s: folder %q has no place in the list of UI layers", f.path, folder)
			continue
		}
		for _, m := range uiImport.FindAllStringSubmatch(f.text, -1) {
			if !strings.HasPrefix(m[1], ".") {
				continue // a package
			}
			target := path.Join(path.Dir(rel), m[1])
			if strings.HasPrefix(target, "../dev/") && strings.Contains(rel, ".test.") {
				continue // what makes up traces for tests
			}
			to := top(target + "/")
			if strings.HasPrefix(target, "..") || slices.Index(uiLayers, to) > rank || !slices.Contains(uiLayers, to) {
				t.Errorf("%s imports %s: %s may import only itself and the folders before it in %v", f.path, m[1], folder, uiLayers)
			}
		}
	}
	if found == 0 {
		t.Fatal("no UI source found: the search is broken")
	}
}

func TestUIImportPattern(t *testing.T) {
	text := `import { a } from "../base/a";
import "./b.css";
export * from './c';
const d = await import("../pages/d");
import {
  e,
} from "../wire/e";
const notFrom = "from nothing";`
	var got []string
	for _, m := range uiImport.FindAllStringSubmatch(text, -1) {
		got = append(got, m[1])
	}
	want := []string{"../base/a", "./b.css", "./c", "../pages/d", "../wire/e"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
