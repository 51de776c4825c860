// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/span"
)

// TestGolden runs the scripts of testdata/decode. Commands, each printing what a decoder makes of its input:
//
//	text    a request in protobuf's text format
//	hex     a request's bytes, with blanks, # comments, and { … } for a length and as many bytes
//	json    a request in OTLP/JSON
//	client  a recorded request of testdata/clients
//
// With the argument write=json|tempo|proto the spans are printed as the encoder writes them instead of as a dump.
func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/decode", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			var data []byte
			var d Decoder
			decode := d.Decode
			switch td.Cmd {
			case "text":
				var m tracepb.TracesData
				if err := prototext.Unmarshal([]byte(td.Input), &m); err != nil {
					td.Fatalf(t, "%v", err)
				}
				var err error
				if data, err = (proto.MarshalOptions{Deterministic: true}).Marshal(&m); err != nil {
					td.Fatalf(t, "%v", err)
				}
			case "hex":
				data = parseHex(t, td)
			case "json":
				data, decode = []byte(td.Input), d.DecodeJSON
			case "client":
				name := td.CmdArgs[0].Key
				var err error
				if data, err = os.ReadFile(filepath.Join("testdata", "clients", name)); err != nil {
					td.Fatalf(t, "%v", err)
				}
				if strings.HasSuffix(name, "-json.bin") {
					decode = d.DecodeJSON
				}
			default:
				td.Fatalf(t, "unknown command %s", td.Cmd)
			}
			var b span.Batch
			res, err := decode(&b, data)
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			var form string
			td.MaybeScanArgs(t, "write", &form)
			e := Encoder{}
			switch form {
			case "":
				return describe(&b, res)
			case "json":
				return string(e.AppendJSON(nil, &b, nil, JSONOptions{})) + "\n"
			case "tempo":
				e.EmitEmpty = true
				return string(e.AppendJSON(nil, &b, nil, JSONOptions{RootKey: "batches", Base64IDs: true, EnumNames: true})) + "\n"
			case "proto":
				return hex.Dump(e.AppendProto(nil, &b, nil))
			}
			td.Fatalf(t, "cannot write %s", form)
			return ""
		})
	})
}

func parseHex(t *testing.T, td *datadriven.TestData) []byte {
	open := [][]byte{nil}
	for line := range strings.Lines(td.Input) {
		line, _, _ = strings.Cut(line, "#")
		for word := range strings.FieldsSeq(line) {
			top := &open[len(open)-1]
			switch word {
			case "{":
				open = append(open, nil)
			case "}":
				body := *top
				open = open[:len(open)-1]
				top = &open[len(open)-1]
				*top = append(binary.AppendUvarint(*top, uint64(len(body))), body...)
			default:
				b, err := hex.DecodeString(word)
				if err != nil {
					td.Fatalf(t, "%v", err)
				}
				*top = append(*top, b...)
			}
		}
	}
	if len(open) != 1 {
		td.Fatalf(t, "%d braces are not closed", len(open)-1)
	}
	return open[0]
}

// describe is the dump with what it leaves out: notes, weights, and what became of the request.
func describe(b *span.Batch, res Result) string {
	var s strings.Builder
	s.WriteString(span.DumpString(b))
	for i := range b.Len() {
		b.Notes[i].Each(func(n span.Notes) { fmt.Fprintf(&s, "note on %s: %s\n", b.SpanID[i], n.Text()) })
		if w := b.HeadWeight[i]; w != 0 {
			fmt.Fprintf(&s, "%s stands for %v spans\n", b.SpanID[i], w)
		}
	}
	if m := res.Message(); m != "" {
		s.WriteString(m + "\n")
	}
	if s.Len() == 0 {
		return "nothing\n"
	}
	return s.String()
}
