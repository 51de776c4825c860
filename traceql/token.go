// SPDX-License-Identifier: Apache-2.0

package traceql

// tokenKind is the kind of a token. Operators come last, so that isOp can tell
// them by order.
type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokCursor
	tokBad
	tokIdent
	tokAttr // an attribute or a scoped intrinsic: ref is set
	tokLiteral
	tokOpenBrace
	tokCloseBrace
	tokOpenParen
	tokCloseParen
	tokComma
	tokPipe
	tokOp
)

var tokenNames = [...]string{"end", "cursor", "bad", "ident", "attr", "literal", "{", "}", "(", ")", ",", "|", "op"}

func (k tokenKind) String() string { return tokenNames[k] }

// token is one word of the text. text is its spelling.
type token struct {
	kind     tokenKind
	op       Op
	from, to int
	text     string
	static   Static // of a literal
	ref      Ref    // of tokAttr
	open     bool   // a string or quoted name that its text does not close
}

func (t token) pos() Range { return Range{t.from, t.to} }

// is reports whether the token is the bare word.
func (t token) is(word string) bool { return t.kind == tokIdent && t.text == word }

// Op is an operator.
type Op uint8

// The operators. The structural ones (OpChild and after) stand between spansets
// only; for each, the result is described in package query.
const (
	OpNone          Op = iota
	OpAnd              // &&
	OpOr               // ||
	OpEq               // =
	OpNotEq            // !=
	OpLess             // <   between spansets: parent
	OpLessEq           // <=
	OpGreater          // >   between spansets: child
	OpGreaterEq        // >=
	OpRegex            // =~
	OpNotRegex         // !~  between spansets: not sibling
	OpAdd              // +
	OpSub              // -   also unary
	OpMul              // *
	OpDiv              // /
	OpMod              // %
	OpPow              // ^
	OpNot              // !   unary
	OpDescendant       // >>
	OpAncestor         // <<
	OpSibling          // ~
	OpNotChild         // !>
	OpNotParent        // !<
	OpNotDescendant    // !>>
	OpNotAncestor      // !<<
	OpUnionChild       // &>
	OpUnionParent      // &<
	OpUnionDescendant
	OpUnionAncestor
	OpUnionSibling
)

var opNames = [...]string{
	"", "&&", "||", "=", "!=", "<", "<=", ">", ">=", "=~", "!~", "+", "-", "*", "/", "%", "^", "!",
	">>", "<<", "~", "!>", "!<", "!>>", "!<<", "&>", "&<", "&>>", "&<<", "&~",
}

// String is the operator's spelling.
func (o Op) String() string { return opNames[o] }

// IsComparison reports whether the operator compares two fields.
func (o Op) IsComparison() bool { return o >= OpEq && o <= OpNotRegex }

// IsArithmetic reports whether the operator computes a number from two.
func (o Op) IsArithmetic() bool { return o >= OpAdd && o <= OpPow }

// IsLogical reports whether the operator is && or ||.
func (o Op) IsLogical() bool { return o == OpAnd || o == OpOr }

// IsStructural reports whether the operator, between two spansets, asks for a
// relation of their spans in the tree.
func (o Op) IsStructural() bool {
	return o == OpLess || o == OpGreater || o == OpNotRegex || o >= OpDescendant
}

// Binding powers, low to high. ! stands between sums and products, unary minus
// above all.
const (
	powerLogical = 10 * (iota + 1)
	powerCompare
	powerSum
	powerNot
	powerProduct
	powerPower
	powerMinus
)

// power is how strongly a binary operator binds; 0 when it is not one.
func (o Op) power() int {
	switch o {
	case OpAnd, OpOr:
		return powerLogical
	case OpAdd, OpSub:
		return powerSum
	case OpMul, OpDiv, OpMod:
		return powerProduct
	case OpPow:
		return powerPower
	case OpNone, OpNot:
		return 0
	}
	return powerCompare
}

// rightPower is the least power of an operator that the right operand may
// swallow: ^ groups to the right, all others to the left.
func (o Op) rightPower() int {
	if o == OpPow {
		return o.power()
	}
	return o.power() + 1
}
