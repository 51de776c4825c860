// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/clew-tracing/clew/demo/shoppb"
)

// fraud judges charges by a few rules, one after the other.
type fraud struct {
	shoppb.UnimplementedFraudServer
	*service
}

// velocityRule is being tried out on half of the customers.
func velocityRule() featureFlag { return featureFlag{key: "velocity-rule", share: 50} }

func buildFraud(s *service) error {
	shoppb.RegisterFraudServer(s.grpcServer(), &fraud{service: s})
	return nil
}

// Score implements [shoppb.FraudServer].
func (f *fraud) Score(ctx context.Context, r *shoppb.ScoreRequest) (*shoppb.ScoreResponse, error) {
	rules := []string{"amount", "address"}
	if velocityRule().enabled(ctx, r.GetUserId()) {
		rules = append(rules, "velocity")
	}
	score := min(float64(r.GetCents())/1e6, 0.5)
	for _, rule := range rules {
		points, err := f.apply(ctx, rule)
		if err != nil {
			return nil, asRPC(err)
		}
		score += points
	}
	return &shoppb.ScoreResponse{Score: score}, nil
}

func (f *fraud) apply(ctx context.Context, rule string) (float64, error) {
	ctx, span := f.begin(ctx, "apply rule", trace.WithAttributes(attribute.String("fraud.rule", rule)))
	defer span.End()
	if err := f.luck.work(ctx, time.Millisecond); err != nil {
		return 0, record(ctx, err)
	}
	return f.luck.float() / 10, nil
}
