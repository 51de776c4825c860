// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	iofs "io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/clew-tracing/clew"

// repoFile is a text file of the repository.
type repoFile struct {
	path string // relative to the root, with slashes
	text string
}

func (f repoFile) ext() string { return strings.TrimPrefix(path.Ext(f.path), ".") }

// lines returns the number of lines.
func (f repoFile) lines() int { return strings.Count(f.text, "\n") }

// top returns the first folder of a path, "" for a file in the root.
func top(p string) string {
	if first, _, ok := strings.Cut(p, "/"); ok {
		return first
	}
	return ""
}

// repository is read once for all tests.
var repository = sync.OnceValues(readRepository)

func repoFiles(t *testing.T) []repoFile {
	t.Helper()
	files, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func repoRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

func readRepository() ([]repoFile, error) {
	root, err := repoRoot()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var files []repoFile
	for _, name := range slices.Sorted(strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00")) {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, iofs.ErrNotExist) {
			continue // deleted and not yet committed
		}
		if err != nil {
			return nil, err
		}
		if bytes.IndexByte(text[:min(len(text), 8<<10)], 0) >= 0 {
			continue // not text
		}
		files = append(files, repoFile{path: name, text: string(text)})
	}
	return files, nil
}

// goFile is a parsed Go file.
type goFile struct {
	repoFile
	fset *token.FileSet
	ast  *ast.File
}

func (f goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f goFile) isGenerated() bool { return ast.IsGenerated(f.ast) }

// line says where a node stands.
func (f goFile) line(n ast.Node) int { return f.fset.Position(n.Pos()).Line }

// goFiles parses every Go file of the module, whatever its build tags.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var out []goFile
	for _, f := range repoFiles(t) {
		if f.ext() != "go" || strings.Contains(f.path, "testdata/") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, f.path, f.text, parser.ParseComments)
		if err != nil {
			t.Errorf("%s does not parse: %v", f.path, err)
			continue
		}
		out = append(out, goFile{repoFile: f, fset: fset, ast: parsed})
	}
	if len(out) < 10 {
		t.Fatalf("found only %d Go files: the search is broken", len(out))
	}
	return out
}
