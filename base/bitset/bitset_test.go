// SPDX-License-Identifier: Apache-2.0

package bitset_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/base/bitset"
)

// model is the slow obvious set.
type model []bool

func (m model) rows() (out []int) {
	for i, in := range m {
		if in {
			out = append(out, i)
		}
	}
	return out
}

func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "n")
		sets := []*bitset.Set{bitset.New(n), bitset.New(n)}
		models := []model{make(model, n), make(model, n)}
		binary := func(op func(s, o *bitset.Set), bit func(a, b bool) bool) func(*rapid.T) {
			return func(t *rapid.T) {
				a := rapid.IntRange(0, 1).Draw(t, "set")
				op(sets[a], sets[1-a])
				for i := range models[a] {
					models[a][i] = bit(models[a][i], models[1-a][i])
				}
			}
		}
		one := func(op func(s *bitset.Set, m model, i int)) func(*rapid.T) {
			return func(t *rapid.T) {
				if n == 0 {
					return
				}
				a := rapid.IntRange(0, 1).Draw(t, "set")
				op(sets[a], models[a], rapid.IntRange(0, n-1).Draw(t, "row"))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"set":    one(func(s *bitset.Set, m model, i int) { s.Set(i); m[i] = true }),
			"clear":  one(func(s *bitset.Set, m model, i int) { s.Clear(i); m[i] = false }),
			"and":    binary((*bitset.Set).And, func(a, b bool) bool { return a && b }),
			"or":     binary((*bitset.Set).Or, func(a, b bool) bool { return a || b }),
			"andnot": binary((*bitset.Set).AndNot, func(a, b bool) bool { return a && !b }),
			"not":    binary(func(s, _ *bitset.Set) { s.Not() }, func(a, _ bool) bool { return !a }),
			"copy":   binary((*bitset.Set).CopyFrom, func(_, b bool) bool { return b }),
			"all":    binary(func(s, _ *bitset.Set) { s.SetAll() }, func(_, _ bool) bool { return true }),
			"range": func(t *rapid.T) {
				from := rapid.IntRange(0, n).Draw(t, "from")
				to := rapid.IntRange(from, n).Draw(t, "to")
				sets[0].SetRange(from, to)
				for i := from; i < to; i++ {
					models[0][i] = true
				}
			},
			"grow": func(t *rapid.T) {
				n += rapid.IntRange(0, 100).Draw(t, "by")
				for i := range sets {
					sets[i].Grow(n)
					models[i] = append(models[i], make(model, n-len(models[i]))...)
				}
			},
			"reset": func(t *rapid.T) {
				n = rapid.IntRange(0, 200).Draw(t, "n")
				for i := range sets {
					sets[i].Reset(n)
					models[i] = make(model, n)
				}
			},
			"": func(t *rapid.T) {
				for i, s := range sets {
					want := models[i].rows()
					if diff := cmp.Diff(want, slices.Collect(s.All())); diff != "" {
						t.Fatal(diff)
					}
					var next []int
					for i := s.NextSet(-1); i >= 0; i = s.NextSet(i + 1) {
						next = append(next, i)
					}
					if diff := cmp.Diff(want, next); diff != "" {
						t.Fatal(diff)
					}
					if s.Count() != len(want) || s.Any() != (len(want) > 0) || s.Len() != n {
						t.Fatalf("count %d, any %v, len %d; want %d of %d", s.Count(), s.Any(), s.Len(), len(want), n)
					}
					for row, in := range models[i] {
						if s.Test(row) != in {
							t.Fatalf("test %d = %v", row, !in)
						}
					}
				}
			},
		})
	})
}

func TestOutOfRangePanics(t *testing.T) {
	for name, f := range map[string]func(*bitset.Set){
		"set after the last row": func(s *bitset.Set) { s.Set(10) },
		"set before the first":   func(s *bitset.Set) { s.Set(-1) },
		"clear":                  func(s *bitset.Set) { s.Clear(63) },
		"test":                   func(s *bitset.Set) { s.Test(10) },
		"range":                  func(s *bitset.Set) { s.SetRange(5, 11) },
		"other length":           func(s *bitset.Set) { s.And(bitset.New(11)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f(bitset.New(10))
		})
	}
}

func TestResetKeepsMemory(t *testing.T) {
	s := bitset.New(1 << 16)
	if n := testing.AllocsPerRun(10, func() { s.Reset(100); s.Reset(1 << 16); s.SetAll() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAndCount(b *testing.B) {
	x, y := bitset.New(1<<16), bitset.New(1<<16)
	x.SetAll()
	for i := 0; i < y.Len(); i += 3 {
		y.Set(i)
	}
	for b.Loop() {
		x.And(y)
		_ = x.Count()
	}
}
