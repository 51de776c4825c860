// SPDX-License-Identifier: Apache-2.0

package span

import "strings"

// HeadWeight returns the adjusted count that a W3C tracestate gives a span by OpenTelemetry's consistent probability
// sampling: 2^56/(2^56-T) for the threshold T of `ot=th:…`. It returns 0, "not known", where there is no threshold or
// where it makes no sense.
//
// The threshold has 1 to 14 lower-case hex digits and is padded on the right: th:8 is 50 %, weight 2.
func HeadWeight(tracestate string) float32 {
	for tracestate != "" {
		var member string
		member, tracestate, _ = strings.Cut(tracestate, ",")
		if v, ok := strings.CutPrefix(strings.Trim(member, " \t"), "ot="); ok {
			return thresholdWeight(v)
		}
	}
	return 0
}

// thresholdWeight reads the value of tracestate's member ot.
func thresholdWeight(v string) float32 {
	const digits = 14
	for v != "" {
		var sub string
		sub, v, _ = strings.Cut(v, ";")
		th, ok := strings.CutPrefix(sub, "th:")
		if !ok {
			continue
		}
		if len(th) == 0 || len(th) > digits {
			return 0
		}
		var t uint64
		for i := range digits {
			t <<= 4
			if i >= len(th) {
				continue
			}
			switch c := th[i]; {
			case c >= '0' && c <= '9':
				t |= uint64(c - '0')
			case c >= 'a' && c <= 'f':
				t |= uint64(c-'a') + 10
			default:
				return 0
			}
		}
		return float32(float64(1<<56) / float64(1<<56-t))
	}
	return 0
}
