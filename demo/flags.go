// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"hash/fnv"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// A feature flag is on for a fixed share of the customers, always the same ones.
type featureFlag struct {
	key   string
	share uint32 // percent
}

// enabled evaluates the flag for a customer and notes the result on the current span as the conventions on feature
// flags have it.
func (f featureFlag) enabled(ctx context.Context, user string) bool {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(f.key + "/" + user)) // a hash never fails
	on := hash.Sum32()%100 < f.share
	variant := "off"
	if on {
		variant = "on"
	}
	trace.SpanFromContext(ctx).AddEvent("feature_flag.evaluation", trace.WithAttributes(
		semconv.FeatureFlagKey(f.key),
		semconv.FeatureFlagProviderName("shop"),
		semconv.FeatureFlagResultVariant(variant),
		semconv.FeatureFlagResultReasonSplit,
		semconv.FeatureFlagContextID(user),
	))
	return on
}
