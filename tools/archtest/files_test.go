// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Sizes of files, in lines. One concept a file: past softLines it wants to be
// split, past hardLines it must be.
const (
	softLines = 600
	hardLines = 1200
)

// sourceExts are the languages that we write.
var sourceExts = []string{"go", "ts", "tsx", "mjs", "cjs", "js", "sh", "py", "css"}

// spdx is the line that every source file begins with, after a "#!" line. The
// comment signs are those of its language.
var spdx = regexp.MustCompile(`^(?:#!.*\n)?(?://|#|/\*) ` + "SPDX-License" + `-Identifier: Apache-2\.0(?: \*/)?\n`)

func isSource(f repoFile) bool {
	return slices.Contains(sourceExts, f.ext()) && !strings.Contains(f.path, "testdata/")
}

func TestSPDX(t *testing.T) {
	for _, f := range repoFiles(t) {
		if isSource(f) && !spdx.MatchString(f.text) {
			t.Errorf("%s: the first line must be the comment `SPDX-License-Identifier: Apache-2.0`", f.path)
		}
	}
}

func TestFileSizes(t *testing.T) {
	for _, f := range repoFiles(t) {
		switch n := f.lines(); {
		case !isSource(f) || strings.HasPrefix(f.text, "// Code generated"):
		case n > hardLines:
			t.Errorf("%s has %d lines, more than %d: split it by concept", f.path, n, hardLines)
		case n > softLines:
			t.Logf("%s has %d lines: past %d it wants to be split", f.path, n, softLines)
		}
	}
}

func TestPackageComments(t *testing.T) {
	type pkg struct{ name, doc string }
	pkgs := map[string]pkg{}
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		dir := f.path[:strings.LastIndex(f.path, "/")+1]
		p := pkgs[dir]
		p.name = f.ast.Name.Name
		if f.ast.Doc != nil {
			if strings.Contains(f.ast.Doc.Text(), "SPDX-") {
				t.Errorf("%s: a blank line must stand between the licence line and the package comment", f.path)
			}
			p.doc += f.ast.Doc.Text()
		}
		pkgs[dir] = p
	}
	for dir, p := range pkgs {
		want := "Package " + p.name + " "
		if p.name == "main" {
			want = "Command "
		}
		if !strings.HasPrefix(p.doc, want) {
			t.Errorf("%s: the package comment must begin with %q", dir, want)
		}
	}
}

// banned is a pattern that no file may have. The patterns are put together from
// pieces, so that this file does not have them itself.
type banned struct {
	pattern string
	why     string
	source  bool // in source files only
}

func bannedTexts() []banned {
	dot := `\.`
	return []banned{
		{pattern: `(?:^|[\s"'=:(` + "`" + `])/(?:root|wo` + `rk|home/[a-z]\w*|Us` + `ers/\w+)/\w`, why: "an absolute path of one machine"},
		{pattern: `/tmp/cl` + `ew\b`, why: "an absolute path of one machine"},
		{pattern: `regis` + `try\.(?:npmjs|yarnpkg)` + dot, why: "the address of a package registry: lock files and settings do without"},
		{pattern: `(?:proxy|sum)` + dot + `gol` + `ang` + dot + `org`, why: "the address of a package registry"},
		{pattern: `\bpy` + `pi` + dot + `org|python` + `hosted` + dot, why: "the address of a package registry"},
		{pattern: `\b(?:TO` + `DO|FIX` + `ME|XX` + `X)\b`, why: "finish it or leave it out", source: true},
	}
}

func TestBannedTexts(t *testing.T) {
	for _, b := range bannedTexts() {
		re := regexp.MustCompile(`(?m)` + b.pattern)
		for _, f := range repoFiles(t) {
			if b.source && !isSource(f) {
				continue
			}
			for _, at := range re.FindAllStringIndex(f.text, -1) {
				line := 1 + strings.Count(f.text[:at[0]], "\n")
				if f.text[at[0]] == '\n' {
					line++
				}
				t.Errorf("%s:%d: %q: %s", f.path, line, strings.TrimSpace(f.text[at[0]:at[1]]), b.why)
			}
		}
	}
}

func TestBannedTextsStrike(t *testing.T) {
	for i, text := range []string{
		`open("/ro` + `ot/x")`,
		"cp a /tmp/cl" + "ew/b",
		"https://regis" + "try.npmjs.org/x",
		"proxy.gol" + "ang.org",
		"https://files.python" + "hosted.org/x",
		"// TO" + "DO: later",
	} {
		b := bannedTexts()[i]
		if !regexp.MustCompile(`(?m)` + b.pattern).MatchString(text) {
			t.Errorf("rule %q does not strike on %q", b.pattern, text)
		}
	}
	if regexp.MustCompile(bannedTexts()[0].pattern).MatchString(`GET /workers/x and a/root/b`) {
		t.Error("the rule for paths strikes on what is none")
	}
}

// A lock file that names where it was resolved from binds every reader to that
// registry, and changes with it.
func TestLockFilesHaveNoAddresses(t *testing.T) {
	re := regexp.MustCompile(`"resolved":\s*"http|--(?:extra-)?index-url|https?://`)
	for _, f := range repoFiles(t) {
		name := f.path[strings.LastIndex(f.path, "/")+1:]
		switch name {
		case "package-lock.json":
			re = regexp.MustCompile(`"resolved":\s*"http`)
		case "requirements.txt", "constraints.txt":
		default:
			continue
		}
		if m := re.FindString(f.text); m != "" {
			t.Errorf("%s has %q: lock with npm's omit-lockfile-registry-resolved=true", f.path, m)
		}
	}
}

// A test that is skipped passes without having looked.
func TestNothingIsSkipped(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() {
			for _, call := range selectorCalls(f.ast) {
				on, _ := call.X.(*ast.Ident)
				if on != nil && slices.Contains([]string{"t", "b", "f", "tb"}, on.Name) && strings.HasPrefix(call.Sel.Name, "Skip") {
					t.Errorf("%s:%d: a test must not be skipped: make it pass or fail", f.path, f.line(call))
				}
			}
		}
	}
	skip := regexp.MustCompile(`\b(?:it|test|describe|suite)\.(?:skip|only|todo|skipIf|runIf|fixme)\b`)
	for _, f := range repoFiles(t) {
		if !slices.Contains([]string{"ts", "tsx", "js", "mjs", "cjs"}, f.ext()) {
			continue
		}
		if m := skip.FindString(f.text); m != "" {
			t.Errorf("%s: %s: a test must not be skipped", f.path, m)
		}
	}
}
