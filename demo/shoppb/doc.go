// SPDX-License-Identifier: Apache-2.0

// Package shoppb is the gRPC contract between the services of the demo shop, generated from the .proto files beside it.
package shoppb

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative auth.proto cart.proto fraud.proto inventory.proto item.proto recommendation.proto
