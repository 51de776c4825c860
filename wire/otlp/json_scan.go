// SPDX-License-Identifier: Apache-2.0

package otlp

type jsonScanner struct{}

func (*jsonScanner) reset(int) {}
