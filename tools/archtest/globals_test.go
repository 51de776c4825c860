// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// constructors are calls whose result nobody changes.
var constructors = []string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "sync.OnceFunc", "sync.OnceValue", "sync.OnceValues"}

// Package-level variables are state that every caller and every test shares.
// Allowed are interface guards, errors, regular expressions, memoised functions, embedded files, and
// tables: unexported literals of maps, slices and arrays; also whatever says
// "read-only" in its comment. Nothing in the package may write to a table.
func TestNoMutableGlobals(t *testing.T) {
	tables := map[string][]string{} // package folder -> names of its read-only tables
	for _, f := range goFiles(t) {
		if f.isGenerated() {
			continue
		}
		for _, decl := range f.ast.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, spec := range gen.Specs {
				v := spec.(*ast.ValueSpec)
				text := strings.ToLower(gen.Doc.Text() + v.Doc.Text() + v.Comment.Text())
				switch {
				case harmless(v) || embedded(gen, v):
				case f.ast.Name.Name == "main" && strings.Contains(text, "set by the linker"):
				case strings.Contains(text, "read-only"), isTable(v):
					dir := path.Dir(f.path)
					for _, name := range v.Names {
						tables[dir] = append(tables[dir], name.Name)
					}
				case f.isTest(): // flags such as -update
				default:
					t.Errorf("%s:%d: %s: no mutable package-level variables: pass it in, or say `Read-only.` in the comment of a table",
						f.path, f.line(v), v.Names[0].Name)
				}
			}
		}
	}
	for _, f := range goFiles(t) {
		for _, w := range writes(f.ast, tables[path.Dir(f.path)]) {
			t.Errorf("%s:%d: %s is said to be read-only and is written here", f.path, f.line(w), w.Name)
		}
	}
}

// harmless reports whether every name of a variable is a guard, or has a value
// that cannot change.
func harmless(v *ast.ValueSpec) bool {
	for i, name := range v.Names {
		if name.Name == "_" {
			continue
		}
		if i >= len(v.Values) {
			return false
		}
		call, ok := v.Values[i].(*ast.CallExpr)
		if !ok {
			// An error declared as an alias of another package's: var ErrX = fs.ErrX.
			sel, ok := v.Values[i].(*ast.SelectorExpr)
			if ok && strings.HasPrefix(name.Name, "Err") && strings.HasPrefix(sel.Sel.Name, "Err") {
				continue
			}
			return false
		}
		if !slices.Contains(constructors, selector(call.Fun)) {
			return false
		}
	}
	return true
}

// isTable reports whether a variable is unexported and a map, slice or array
// literal, a string turned into bytes, or an array of zeros.
func isTable(v *ast.ValueSpec) bool {
	for i, name := range v.Names {
		if name.IsExported() {
			return false
		}
		typ := v.Type
		if i < len(v.Values) {
			switch value := v.Values[i].(type) {
			case *ast.CompositeLit:
				typ = value.Type
			case *ast.CallExpr:
				typ = value.Fun
			}
		} else if a, ok := typ.(*ast.ArrayType); !ok || a.Len == nil {
			return false // an empty slice or map is there to be filled
		}
		switch typ.(type) {
		case *ast.MapType, *ast.ArrayType:
		default:
			return false
		}
	}
	return true
}

// embedded reports whether a variable is filled by //go:embed.
func embedded(gen *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, group := range []*ast.CommentGroup{gen.Doc, v.Doc} {
		if group == nil {
			continue
		}
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:embed") {
				return true
			}
		}
	}
	return false
}

func selector(e ast.Expr) string {
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if pkg, ok := sel.X.(*ast.Ident); ok {
			return pkg.Name + "." + sel.Sel.Name
		}
	}
	return ""
}

// selectorCalls returns the x.y of every call x.y(…).
func selectorCalls(n ast.Node) (out []*ast.SelectorExpr) {
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				out = append(out, sel)
			}
		}
		return true
	})
	return out
}

// writes returns where a file assigns to, or into, one of the named variables.
// A function that declares the name itself is left alone.
func writes(file *ast.File, names []string) (out []*ast.Ident) {
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		local := declared(fn)
		note := func(e ast.Expr) {
			if id := root(e); id != nil && slices.Contains(names, id.Name) && !local[id.Name] {
				out = append(out, id)
			}
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, lhs := range n.Lhs {
						note(lhs)
					}
				}
			case *ast.IncDecStmt:
				note(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					note(n.X) // who has the address can write
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") && len(n.Args) > 0 {
					note(n.Args[0])
				}
			}
			return true
		})
	}
	return out
}

// declared returns the names that a function makes itself: parameters, results,
// := and var.
func declared(fn *ast.FuncDecl) map[string]bool {
	out := map[string]bool{}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				out[name.Name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				out[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, lhs := range n.Lhs {
					if id, ok := lhs.(*ast.Ident); ok {
						out[id.Name] = true
					}
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					out[id.Name] = true
				}
			}
		}
		return true
	})
	return out
}

// root returns the variable that an expression reaches into: a of a[i].b.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func TestNoInit(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isGenerated() {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s:%d: no init(): what must happen is called by somebody", f.path, f.line(fn))
			}
		}
	}
}
