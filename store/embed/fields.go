// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/clew-tracing/clew/match"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
)

type fieldKey struct {
	scope match.Scope
	key   string
}

// Fields implements [store.Engine]. It looks at whole chunks and row groups that overlap the window.
func (e *Engine) Fields(ctx context.Context, r store.FieldsRequest) ([]store.FieldInfo, error) {
	v, done, err := e.pin(r.Tenant)
	if err != nil {
		return nil, err
	}
	defer done()
	if v == nil {
		return nil, nil
	}
	types := map[fieldKey]uint16{}
	var infos []store.FieldInfo
	for _, u := range v.units() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !r.Window.Overlaps(u.minStart, u.maxEnd) {
			continue
		}
		if u.chunk != nil {
			chunkFields(types, u.chunk.batch, r.Scope)
			continue
		}
		infos, err = u.block.reader.Fields(u.group, r.Scope, infos[:0])
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) {
				return nil, err
			}
			e.corruptGroup(u.block, u.group, err)
		}
		for _, f := range infos {
			types[fieldKey{f.Scope, f.Key}] |= f.Types
		}
	}
	list := make([]store.FieldInfo, 0, len(types))
	for k, t := range types {
		list = append(list, store.FieldInfo{Scope: k.scope, Key: k.key, Types: t})
	}
	slices.SortFunc(list, func(x, y store.FieldInfo) int {
		return cmp.Or(cmp.Compare(x.Scope, y.Scope), cmp.Compare(x.Key, y.Key))
	})
	return list, nil
}

// chunkFields adds the attributes of a chunk.
func chunkFields(types map[fieldKey]uint16, b *span.Batch, scope match.Scope) {
	masks := make([]uint16, b.Strings.Len())
	for _, t := range [...]struct {
		scope match.Scope
		attrs *span.Attrs
	}{
		{match.ScopeSpan, &b.Attrs},
		{match.ScopeResource, &b.Resources.Attrs},
		{match.ScopeEvent, &b.Events.Attrs},
		{match.ScopeLink, &b.Links.Attrs},
		{match.ScopeInstrumentation, &b.Scopes.Attrs},
	} {
		if scope != match.ScopeAny && scope != t.scope {
			continue
		}
		clear(masks)
		for i, key := range t.attrs.Key {
			masks[key] |= 1 << t.attrs.Type[i]
		}
		for code, mask := range masks {
			if mask == 0 {
				continue
			}
			k := fieldKey{t.scope, b.Strings.String(span.Code(code))}
			if old, ok := types[k]; ok {
				types[k] = old | mask
			} else {
				// The key outlives the view.
				k.key = string(b.Strings.Bytes(span.Code(code)))
				types[k] = mask
			}
		}
	}
}
