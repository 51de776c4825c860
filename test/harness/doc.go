// SPDX-License-Identifier: Apache-2.0

// Package harness runs the real clew binary and real tracing clients for the
// end to end tests: it starts a server on free ports and waits until it is
// ready, kills it with SIGKILL and starts it again on the same data, posts OTLP
// to it and reads traces back through the native API.
//
// Nothing here imports the server's own code: what the tests know about it is
// what any user sees, the flags, the ports and the bytes on the wire. Every
// helper takes a testing.TB, fails the test on error and cleans up by itself.
package harness
