// SPDX-License-Identifier: Apache-2.0

// Package archtest holds the rules of the repository that a compiler does not:
// which folder may import which, what every file begins with, how long a file
// may grow, what a binary links. It has tests only; each says what to do when it
// fails.
//
// The rules look at the files that git tracks or would track, so that a rule
// speaks up before the commit.
package archtest
