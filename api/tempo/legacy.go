// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// legacyFilter writes a search by tags and durations (Tempo's API from before TraceQL) as TraceQL. tags is logfmt; a
// value is looked for as a substring in any case, as that API did.
func legacyFilter(tags, minDuration, maxDuration string) (string, error) {
	pairs, err := parseLogfmt(tags)
	if err != nil {
		return "", err
	}
	var sets []string
	for _, p := range pairs {
		pattern := strconv.Quote("(?i).*" + regexp.QuoteMeta(p.value) + ".*")
		field := "." + quoteName(p.key)
		switch p.key {
		case "name", "statusMessage", "rootName", "rootServiceName":
			field = p.key
		case "status", "error", "status.code":
			if v := strings.ToLower(p.value); v == "error" || v == "true" || v == "ok" || v == "unset" {
				sets = append(sets, "{ status = "+strings.Replace(v, "true", "error", 1)+" }")
				continue
			}
		}
		// Numbers and bools are values of their own type, which no regular expression matches.
		alternatives := field + " =~ " + pattern
		if _, err := strconv.ParseFloat(p.value, 64); err == nil && field[0] == '.' && isPlainNumber(p.value) {
			alternatives = "(" + alternatives + " || " + field + " = " + p.value + ")"
		} else if p.value == "true" || p.value == "false" {
			alternatives = "(" + alternatives + " || " + field + " = " + p.value + ")"
		}
		sets = append(sets, "{ "+alternatives+" }")
	}
	for _, d := range []struct{ name, op, value string }{{"minDuration", ">=", minDuration}, {"maxDuration", "<=", maxDuration}} {
		if d.value == "" {
			continue
		}
		v, err := time.ParseDuration(d.value)
		if err != nil || v < 0 {
			return "", badRequest("invalid %s %q: must be a duration such as 100ms", d.name, d.value)
		}
		sets = append(sets, "{ traceDuration "+d.op+" "+strconv.FormatInt(int64(v), 10)+"ns }")
	}
	return strings.Join(sets, " && "), nil
}

// isPlainNumber leaves out what ParseFloat takes and TraceQL does not: hex, inf, underscores, signs.
func isPlainNumber(s string) bool {
	return strings.Trim(s, "0123456789.") == "" && s[0] != '.' && s[len(s)-1] != '.'
}

// quoteName quotes an attribute's name where TraceQL needs it.
func quoteName(name string) string {
	if strings.ContainsAny(name, " \t\r\n{}()=~!<>&|^,\"\\") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return name
}

type pair struct{ key, value string }

// parseLogfmt reads `k=v k2="v 2"`.
func parseLogfmt(s string) ([]pair, error) {
	var pairs []pair
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		eq := strings.IndexByte(s, '=')
		if eq <= 0 || strings.ContainsAny(s[:eq], " \t\"") {
			return nil, badRequest("invalid tags: want logfmt such as service.name=cart http.method=\"GET\", at %.40q", s)
		}
		p := pair{key: s[:eq]}
		s = s[eq+1:]
		if strings.HasPrefix(s, `"`) {
			quoted, err := strconv.QuotedPrefix(s)
			if err == nil {
				p.value, err = strconv.Unquote(quoted)
			}
			if err != nil {
				return nil, badRequest("invalid tags: the quotes of %s do not close", p.key)
			}
			s = s[len(quoted):]
		} else {
			end := strings.IndexAny(s, " \t")
			if end < 0 {
				end = len(s)
			}
			p.value, s = s[:end], s[end:]
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}
