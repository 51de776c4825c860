// SPDX-License-Identifier: Apache-2.0

package query

import (
	"fmt"
	"math"
	"time"

	"github.com/clew-tracing/clew/store"
)

// DefaultStep is the step of a range when none is given: about 240 samples, at a step that people like to read.
func DefaultStep(start, end int64) int64 {
	length := end - start
	step := length / 240
	if length < int64(time.Minute) {
		unit := int64(50 * time.Millisecond)
		return max(unit, step/unit*unit)
	}
	for _, unit := range [...]time.Duration{time.Hour, 5 * time.Minute, time.Minute, 15 * time.Second, 5 * time.Second, time.Second} {
		if u := int64(unit); step >= u {
			return step / u * u
		}
	}
	return int64(time.Second)
}

// clock puts spans into buckets of time by their start.
type clock struct {
	times  Times
	origin int64 // bucket i is (origin + i·step, origin + (i+1)·step]
	window store.Window
}

// newClock lays a request's range out. Ranges are aligned to the step, so that a graph that is asked for again and again
// does not flicker: the first sample is the last multiple of the step not after Start, the last one the first multiple
// not before End.
func newClock(r MetricsRequest) (clock, error) {
	if r.Start < 0 || r.End <= r.Start || r.End > math.MaxInt64/4 {
		return clock{}, fmt.Errorf("%w: end (%d) must be after start (%d), both unix ns", ErrRange, r.End, r.Start)
	}
	if r.Instant {
		return clock{
			times: Times{First: r.End, Step: r.End - r.Start, N: 1}, origin: r.Start - 1, window: store.Window{From: r.Start, To: r.End},
		}, nil
	}
	step := r.Step
	if step == 0 {
		step = DefaultStep(r.Start, r.End)
	}
	if step < 0 {
		return clock{}, fmt.Errorf("%w: step %s is negative", ErrRange, time.Duration(step))
	}
	if step > math.MaxInt64/4 {
		return clock{}, fmt.Errorf("%w: step %s is too long", ErrRange, time.Duration(step))
	}
	if (r.End-r.Start)/step > MaxSamples {
		return clock{}, fmt.Errorf("%w: step of %s is too small, minimum step for given range is %s", ErrRange, time.Duration(step),
			time.Duration((r.End-r.Start+MaxSamples-1)/MaxSamples))
	}
	first := r.Start / step * step
	last := (r.End + step - 1) / step * step
	return clock{
		times: Times{First: first, Step: step, N: int((last-first)/step) + 1}, origin: first - step, window: store.Window{From: first - step + 1, To: last},
	}, nil
}

// bucket is where a start in the window belongs.
func (c *clock) bucket(start int64) int32 {
	return int32(min((start-c.origin-1)/c.times.Step, int64(c.times.N-1)))
}

// after is the first moment of bucket i.
func (c *clock) after(i int) int64 { return c.origin + int64(i)*c.times.Step + 1 }

// seconds is the length of a bucket.
func (c *clock) seconds() float64 { return float64(c.times.Step) / 1e9 }
