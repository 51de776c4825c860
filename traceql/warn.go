// SPDX-License-Identifier: Apache-2.0

package traceql

import (
	"fmt"
	"time"
)

// Warn says what in a query that checks is likely meant differently: a duration compared with a bare number, which
// counts nanoseconds, and an attribute that bears the name of an intrinsic.
func Warn(q *Query) Errors {
	var errs Errors
	warn := func(n Node, message, hint string) {
		errs.add(Error{From: n.Pos().From, To: n.Pos().To, Class: ClassCheck, Message: message, Hint: hint})
	}
	Walk(q, func(n Node) bool {
		switch n := n.(type) {
		case *Field:
			if i, ok := bareIntrinsic(n.Name); ok && n.IsAttr() && (n.Scope == ScopeNone || n.Scope == ScopeSpan) && i != IntrinsicParent {
				warn(n, fmt.Sprintf("%s is an attribute that clients set", n.Ref), fmt.Sprintf("the %s of a span is %s", i, i))
			}
		case *Binary:
			if !n.Op.IsComparison() {
				break
			}
			number, other := n.Right, n.Left
			if _, ok := number.(*Literal); !ok {
				number, other = n.Left, n.Right
			}
			lit, ok := number.(*Literal)
			f, isField := other.(*Field)
			if ok && isField && f.Type() == TypeDuration && lit.Value.Type == TypeInt && lit.Value.Int > 0 && lit.Value.Int < int64(time.Millisecond) {
				warn(lit, fmt.Sprintf("%d counts nanoseconds", lit.Value.Int), fmt.Sprintf("write a unit: %dms, %ds", lit.Value.Int, lit.Value.Int))
			}
		}
		return true
	})
	errs.sort()
	return errs
}
