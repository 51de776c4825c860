// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bytes is a number of bytes that reads "64MiB", "1.5GB" or "1000".
type Bytes int64

// Set parses s; it implements pflag.Value.
func (b *Bytes) Set(s string) error {
	units := []struct {
		suffix string
		factor float64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
	}
	for _, u := range units {
		num, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
		if err != nil || v < 0 || v*u.factor > math.MaxInt64/2 || v != v {
			break
		}
		*b = Bytes(v * u.factor)
		return nil
	}
	return fmt.Errorf("%q is not a number of bytes such as 512MiB or 2GB", s)
}

// String returns the number with the largest binary unit that divides it.
func (b *Bytes) String() string {
	v := int64(*b)
	for _, u := range []struct {
		suffix string
		factor int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if v >= u.factor && v%u.factor == 0 {
			return strconv.FormatInt(v/u.factor, 10) + u.suffix
		}
	}
	return strconv.FormatInt(v, 10)
}

// Type is the word that help shows for the value.
func (*Bytes) Type() string { return "bytes" }

// Age is a span of time in whole units, as retention is given: "14d", "36h", "0" for ever.
type Age time.Duration

// Set parses s; it implements pflag.Value.
func (a *Age) Set(s string) error {
	rest, days := s, time.Duration(0)
	if num, tail, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseFloat(num, 64)
		if err != nil || n < 0 || n > 36500 {
			return fmt.Errorf("%q is not an age such as 14d or 36h", s)
		}
		rest, days = tail, time.Duration(n*24*float64(time.Hour))
	}
	if rest == "0" {
		rest = ""
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return fmt.Errorf("%q is not an age such as 14d or 36h", s)
		}
		days += d
	}
	*a = Age(days)
	return nil
}

// String returns days where they are whole, and otherwise Go's form.
func (a *Age) String() string {
	d := time.Duration(*a)
	switch {
	case d == 0:
		return "0"
	case d%(24*time.Hour) == 0:
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	return d.String()
}

// Type is the word that help shows for the value.
func (*Age) Type() string { return "age" }

// choice is a string out of a few.
type choice struct {
	value *string
	of    []string
}

// Set checks s; it implements pflag.Value.
func (c choice) Set(s string) error {
	if slices.Contains(c.of, s) {
		*c.value = s
		return nil
	}
	return fmt.Errorf("%q is not one of %s", s, strings.Join(c.of, ", "))
}

// String returns the value.
func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Type is the word that help shows for the value.
func (c choice) Type() string { return strings.Join(c.of, "|") }

// list is strings separated by commas.
type list struct{ value *[]string }

// Set splits s; it implements pflag.Value.
func (l list) Set(s string) error {
	*l.value = nil
	for v := range strings.SplitSeq(s, ",") {
		if v = strings.TrimSpace(v); v != "" {
			*l.value = append(*l.value, v)
		}
	}
	return nil
}

// String joins the values.
func (l list) String() string {
	if l.value == nil {
		return ""
	}
	return strings.Join(*l.value, ",")
}

// Type is the word that help shows for the value.
func (list) Type() string { return "list" }
