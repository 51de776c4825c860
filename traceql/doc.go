// SPDX-License-Identifier: Apache-2.0

// Package traceql is the TraceQL language and nothing but the language: lexer,
// Pratt parser, checker, printer and completion. It knows no store and runs no
// query.
//
// The parser takes any text. It always gives back a tree, says everything that
// is wrong with byte positions, and goes on after an error, so that an editor
// can complete and underline a half-written query:
//
//	q, errs := traceql.Parse(text)  // syntax only; q is never nil
//	errs = traceql.Check(q)         // types and the language's other rules
//	q, err := traceql.Compile(text) // both; err is an Errors
//
// # Grammar
//
// [] optional, * repeated, | alternatives:
//
//	query       := pipeline [hints]
//	hints       := 'with' '(' ident '=' literal (',' ident '=' literal)* ')'
//	pipeline    := item ('|' item)*
//	item        := spansets | scalarFilter | 'by' '(' field ')' | 'select' '(' attr (',' attr)* ')'
//	             | 'coalesce' '(' ')' | metrics cmp-number* | topk cmp-number* | math cmp-number*
//	spansets    := '{' [field] '}' | '(' pipeline ')' | spansets sop spansets
//	sop         := && || > < >> << ~ !> !< !>> !<< !~ &> &< &>> &<< &~
//	scalarFilter:= scalar cmp scalar
//	scalar      := number | duration | aggregate | -scalar | scalar (+ - * / % ^) scalar | '(' scalar ')'
//	aggregate   := 'count' '(' ')' | (min|max|avg|sum) '(' field ')'
//	metrics     := (rate|count_over_time) '(' ')' [by]
//	             | (min|max|avg|sum|histogram)_over_time '(' attr ')' [by]
//	             | 'quantile_over_time' '(' attr (',' number)+ ')' [by]
//	             | 'compare' '(' '{' [field] '}' [',' int [',' int ',' int]] ')'
//	topk        := (topk|bottomk) '(' int ')'
//	math        := '(' metrics pipeline ')' | '(' math ')' | math (+ - * /) math | math (+ - * /) number | number (+ - * /) math
//	cmp         := = != < <= > >=
//	field       := literal | attr | '(' field ')' | -field | !field
//	             | field (+ - * / % ^ = != < <= > >= =~ !~ && ||) field
//	attr        := intrinsic | ('.' | span. | resource. | event. | link. | instrumentation.) name
//
// Precedence, low to high: | ; && and || (one level, left to right: a || b && c
// is (a || b) && c); comparisons and structural operators (one level, left to
// right); + - ; ! ; * / % ; ^ (right to left); unary minus.
//
// An attribute's name runs until white space or one of { } ( ) = ~ ! < > & | ^ ,
// so that + - * / are part of it: .a+1 is the attribute "a+1". Parts of a name
// may be quoted: span."a b".c.
package traceql
