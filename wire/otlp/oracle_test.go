// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"fmt"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/clew-tracing/clew/span"
)

// The oracle is the slow and obvious way: the generated types read the bytes, and a batch is built from them field by
// field. Since protobuf-go refuses strings that are not UTF-8 and Clew repairs them, the bytes are first read with a
// copy of the schema whose strings are not checked, repaired, and written again.

// tolerant is TracesData with strings that may hold any bytes.
var tolerant = tolerantSchema()

func tolerantSchema() protoreflect.MessageType {
	files := &protoregistry.Files{}
	for _, fd := range []protoreflect.FileDescriptor{
		commonpb.File_opentelemetry_proto_common_v1_common_proto,
		resourcepb.File_opentelemetry_proto_resource_v1_resource_proto,
		tracepb.File_opentelemetry_proto_trace_v1_trace_proto,
	} {
		p := protodesc.ToFileDescriptorProto(fd)
		p.Syntax, p.Edition = new("editions"), descriptorpb.Edition_EDITION_2023.Enum()
		p.Options = &descriptorpb.FileOptions{Features: &descriptorpb.FeatureSet{
			FieldPresence:  descriptorpb.FeatureSet_IMPLICIT.Enum(),
			EnumType:       descriptorpb.FeatureSet_OPEN.Enum(),
			Utf8Validation: descriptorpb.FeatureSet_NONE.Enum(),
		}}
		f, err := protodesc.NewFile(p, files)
		if err != nil {
			panic(err)
		}
		if err := files.RegisterFile(f); err != nil {
			panic(err)
		}
	}
	d, err := files.FindDescriptorByName("opentelemetry.proto.trace.v1.TracesData")
	if err != nil {
		panic(err)
	}
	return dynamicpb.NewMessageType(d.(protoreflect.MessageDescriptor))
}

// oracleDecode reads data as protobuf-go does, strings repaired.
func oracleDecode(data []byte) (*tracepb.TracesData, error) {
	m := tolerant.New()
	if err := proto.Unmarshal(data, m.Interface()); err != nil {
		return nil, err
	}
	repairStrings(m)
	clean, err := proto.Marshal(m.Interface())
	if err != nil {
		return nil, err
	}
	var td tracepb.TracesData
	return &td, proto.Unmarshal(clean, &td)
}

func repairStrings(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			for i := range v.List().Len() {
				v.List().Set(i, protoreflect.ValueOfString(strings.ToValidUTF8(v.List().Get(i).String(), "\uFFFD")))
			}
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			for i := range v.List().Len() {
				repairStrings(v.List().Get(i).Message())
			}
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(strings.ToValidUTF8(v.String(), "\uFFFD")))
		case f.Kind() == protoreflect.MessageKind:
			repairStrings(v.Message())
		}
		return true
	})
}

// oracleBatch builds the batch of td, and says how many spans have unusable ids.
func oracleBatch(td *tracepb.TracesData) (*span.Batch, int) {
	b := &span.Batch{}
	rejected := 0
	for _, rs := range td.GetResourceSpans() {
		r := b.Resources.Add()
		b.Resources.SchemaURL[r] = b.Strings.InternString(rs.GetSchemaUrl())
		b.Resources.Dropped[r] = rs.GetResource().GetDroppedAttributesCount()
		oracleAttrs(b, &b.Resources.Attrs, rs.GetResource().GetAttributes())
		if refs := rs.GetResource().GetEntityRefs(); len(refs) > 0 {
			var elems []span.Value
			for _, ref := range refs {
				elems = append(elems, span.MapValue(
					span.Entry{Key: "schemaUrl", Value: span.StringValue(ref.GetSchemaUrl())},
					span.Entry{Key: "type", Value: span.StringValue(ref.GetType())},
					span.Entry{Key: "idKeys", Value: oracleStrings(ref.GetIdKeys())},
					span.Entry{Key: "descriptionKeys", Value: oracleStrings(ref.GetDescriptionKeys())},
				))
			}
			b.Resources.EntityRefs[r] = b.Strings.InternString(span.ArrayValue(elems...).Str)
		}
		for _, ss := range rs.GetScopeSpans() {
			s := b.Scopes.Add(b.Strings.InternString(ss.GetScope().GetName()), b.Strings.InternString(ss.GetScope().GetVersion()))
			b.Scopes.SchemaURL[s] = b.Strings.InternString(ss.GetSchemaUrl())
			b.Scopes.Dropped[s] = ss.GetScope().GetDroppedAttributesCount()
			oracleAttrs(b, &b.Scopes.Attrs, ss.GetScope().GetAttributes())
			for _, sp := range ss.GetSpans() {
				if !oracleSpan(b, sp, uint32(r), uint32(s)) {
					rejected++
				}
			}
		}
	}
	return b, rejected
}

func oracleSpan(b *span.Batch, sp *tracepb.Span, resource, scope uint32) bool {
	if len(sp.GetTraceId()) != 16 || len(sp.GetSpanId()) != 8 {
		return false
	}
	trace, id := span.TraceID(sp.GetTraceId()), span.SpanID(sp.GetSpanId())
	if trace.IsZero() || id.IsZero() {
		return false
	}
	i := b.AddSpan()
	b.TraceID[i], b.SpanID[i], b.Resource[i], b.Scope[i] = trace, id, resource, scope
	if len(sp.GetParentSpanId()) == 8 {
		b.ParentID[i] = span.SpanID(sp.GetParentSpanId())
	}
	b.Start[i] = int64(sp.GetStartTimeUnixNano())
	b.Duration[i] = int64(sp.GetEndTimeUnixNano() - sp.GetStartTimeUnixNano())
	b.Kind[i], b.Status[i] = span.Kind(sp.GetKind()), span.Status(sp.GetStatus().GetCode())
	b.Name[i] = b.Strings.InternString(sp.GetName())
	b.StatusMessage[i] = b.Strings.InternString(sp.GetStatus().GetMessage())
	b.TraceState[i] = b.Strings.InternString(sp.GetTraceState())
	b.Flags[i] = sp.GetFlags()
	b.DroppedAttrs[i], b.DroppedEvents[i], b.DroppedLinks[i] = sp.GetDroppedAttributesCount(), sp.GetDroppedEventsCount(), sp.GetDroppedLinksCount()
	for _, kv := range sp.GetAttributes() {
		b.AddAttr(&b.Attrs, kv.GetKey(), oracleValue(kv.GetValue()))
	}
	for _, e := range sp.GetEvents() {
		b.Events.Add(int64(e.GetTimeUnixNano()), b.Strings.InternString(e.GetName()), e.GetDroppedAttributesCount())
		oracleAttrs(b, &b.Events.Attrs, e.GetAttributes())
	}
	for _, l := range sp.GetLinks() {
		var t span.TraceID
		var s span.SpanID
		if len(l.GetTraceId()) == 16 {
			t = span.TraceID(l.GetTraceId())
		}
		if len(l.GetSpanId()) == 8 {
			s = span.SpanID(l.GetSpanId())
		}
		b.Links.Add(t, s, b.Strings.InternString(l.GetTraceState()), l.GetFlags(), l.GetDroppedAttributesCount())
		oracleAttrs(b, &b.Links.Attrs, l.GetAttributes())
	}
	b.EndSpan()
	return true
}

func oracleAttrs(b *span.Batch, a *span.Attrs, kvs []*commonpb.KeyValue) {
	for _, kv := range kvs {
		b.AddAttr(a, kv.GetKey(), oracleValue(kv.GetValue()))
	}
	a.EndOwner()
}

func oracleValue(v *commonpb.AnyValue) span.Value {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return span.StringValue(v.StringValue)
	case *commonpb.AnyValue_BoolValue:
		return span.BoolValue(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return span.IntValue(v.IntValue)
	case *commonpb.AnyValue_DoubleValue:
		return span.DoubleValue(v.DoubleValue)
	case *commonpb.AnyValue_BytesValue:
		return span.BytesValue(v.BytesValue)
	case *commonpb.AnyValue_ArrayValue:
		var elems []span.Value
		for _, e := range v.ArrayValue.GetValues() {
			elems = append(elems, oracleValue(e))
		}
		return span.ArrayValue(elems...)
	case *commonpb.AnyValue_KvlistValue:
		var entries []span.Entry
		for _, e := range v.KvlistValue.GetValues() {
			entries = append(entries, span.Entry{Key: e.GetKey(), Value: oracleValue(e.GetValue())})
		}
		return span.MapValue(entries...)
	case *commonpb.AnyValue_StringValueStrindex, nil: // the index is one of profiles and has no meaning here
		return span.Value{}
	default:
		panic(fmt.Sprintf("unknown case %T", v))
	}
}

func oracleStrings(list []string) span.Value {
	var elems []span.Value
	for _, s := range list {
		elems = append(elems, span.StringValue(s))
	}
	return span.ArrayValue(elems...)
}
