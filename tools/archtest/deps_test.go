// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write cmd/*/deps.txt anew")

// releaseTags are the build tags of the Makefile.
var releaseTags = []string{"-tags", "grpcnotrace"}

// maxBinary is what a released `clew` may weigh, in bytes.
const maxBinary int64 = 40e6

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	root, err := repoRoot()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

func commands(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, f := range goFiles(t) {
		if dir := filepath.ToSlash(filepath.Dir(f.path)); top(f.path) == "cmd" && f.ast.Name.Name == "main" && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	if len(out) == 0 {
		t.Fatal("no command found: the search is broken")
	}
	return out
}

// What a binary links is under review: a new module shows as a changed line.
func TestLinkedModules(t *testing.T) {
	root, err := repoRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range commands(t) {
		args := append([]string{"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}"}, releaseTags...)
		lines := slices.Compact(slices.Sorted(strings.SplitSeq(strings.TrimSpace(run(t, "go", append(args, "./"+cmd)...)), "\n")))
		lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
		got := strings.Join(lines, "\n") + "\n"
		manifest := filepath.Join(root, filepath.FromSlash(cmd), "deps.txt")
		if *update {
			if err := os.WriteFile(manifest, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(manifest)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s links other modules than its deps.txt says; `go test ./tools/archtest -update` writes it anew: %s", cmd, diff)
		}
	}
}

// Whatever reaches text/template calls methods by name, and the linker must then
// keep every method of every type: about 8 MB.
func TestNoTemplatesAndSize(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "clew")
	build := append([]string{"build", "-trimpath", "-o", bin}, releaseTags...)
	run(t, "go", append(build, "./cmd/clew")...)
	symbols := run(t, "go", "tool", "nm", bin)
	for _, sym := range []string{"text/template.(*Template).Execute", "html/template.(*Template).Execute"} {
		if strings.Contains(symbols, sym) {
			t.Errorf("cmd/clew links %s: find what calls it with `go list -deps` and do without", sym)
		}
	}
	if !strings.Contains(symbols, "runtime.main") {
		t.Error("the symbol table is empty: the search is broken")
	}
	run(t, "go", append(build, "-ldflags", "-s -w", "./cmd/clew")...)
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxBinary {
		t.Errorf("cmd/clew weighs %d bytes, more than %d", info.Size(), maxBinary)
	}
	t.Logf("cmd/clew: %.1f MB", float64(info.Size())/1e6)
	testREADMEFlags(t, run(t, bin, "serve", "--help"))
}

// testREADMEFlags holds the table of settings in the README against what the
// program says of itself.
func testREADMEFlags(t *testing.T, help string) {
	t.Helper()
	flags := func(pattern, text string) map[string]bool {
		out := map[string]bool{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			for _, f := range regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(m[1], -1) {
				out[f] = true
			}
		}
		return out
	}
	has := flags(`(?m)^ +(?:-\w, )?(--[a-z-]+)`, help)
	var readme string
	for _, f := range repoFiles(t) {
		if f.path == "README.md" {
			readme = f.text
		}
	}
	says := flags("(?m)^\\| (`--[^|]*) \\|", readme)
	delete(has, "--help")
	if diff := cmp.Diff(says, has); diff != "" {
		t.Errorf("the table of settings in README.md (-) and `clew serve --help` (+) differ: %s", diff)
	}
}

// Every dependency that our own code names has its line of reason.
func TestDependenciesHaveReasons(t *testing.T) {
	const adr = "docs/adr/0001-dependencies.md"
	var text, goMod string
	npm := map[string]string{}
	for _, f := range repoFiles(t) {
		switch {
		case f.path == adr:
			text = f.text
		case f.path == "go.mod":
			goMod = f.text
		case top(f.path) == "ui" && path.Base(f.path) == "package.json":
			var pkg struct{ Dependencies, DevDependencies map[string]string }
			if err := json.Unmarshal([]byte(f.text), &pkg); err != nil {
				t.Fatal(err)
			}
			for _, deps := range []map[string]string{pkg.Dependencies, pkg.DevDependencies} {
				for name := range deps {
					npm[name] = f.path
				}
			}
		}
	}
	var modules []string
	for line := range strings.Lines(goMod) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "require ")
		if f := strings.Fields(line); len(f) >= 2 && strings.HasPrefix(f[1], "v") && strings.Contains(f[0], ".") {
			modules = append(modules, f[0])
		}
	}
	wanted := npm
	for _, f := range goFiles(t) {
		for _, imp := range f.ast.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			best := ""
			for _, m := range modules {
				if (p == m || strings.HasPrefix(p, m+"/")) && len(m) > len(best) {
					best = m
				}
			}
			if best != "" {
				wanted[best] = f.path
			}
		}
	}
	if len(wanted) < 5 {
		t.Fatalf("found only %d dependencies: the search is broken", len(wanted))
	}
	for line := range strings.Lines(text) {
		if cells := strings.Split(line, "`"); cells[0] == "| " && len(cells) > 2 && wanted[cells[1]] == "" {
			t.Errorf("%s has a line for %s, which nothing uses", adr, cells[1])
		}
	}
	for name, by := range wanted {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s is used by %s and has no line in %s: why, who keeps it, what if they stop", name, by, adr)
		}
	}
}

// `npm ci` refuses a lock file that lacks the packages of other platforms, and
// npm leaves those out that it could not get when it locked.
func TestLockFilesAreComplete(t *testing.T) {
	found := 0
	for _, f := range repoFiles(t) {
		if !strings.HasSuffix(f.path, "package-lock.json") {
			continue
		}
		found++
		var lock struct {
			Packages map[string]struct{ OptionalDependencies map[string]string }
		}
		if err := json.Unmarshal([]byte(f.text), &lock); err != nil {
			t.Errorf("%s: %v", f.path, err)
		}
		have := map[string]bool{}
		for place := range lock.Packages {
			have[path.Base(path.Dir(place))+"/"+path.Base(place)], have[path.Base(place)] = true, true
		}
		for place, pkg := range lock.Packages {
			for name := range pkg.OptionalDependencies {
				if !have[name] {
					t.Errorf("%s: %s wants %s, which is not in the lock: lock a version whose platform packages are all published", f.path, place, name)
				}
			}
		}
	}
	if found == 0 {
		t.Fatal("no lock file found: the search is broken")
	}
}
