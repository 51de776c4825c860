// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/clew-tracing/clew/store/block"
	"github.com/clew-tracing/clew/store/embed"
	"github.com/clew-tracing/clew/store/wal"
)

func inspectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE",
		Short: "Print what a file of the store holds: a block, a segment of the log, or the manifest",
		Long: `Inspect prints a file of a data folder readably, and names what is damaged in it. It only reads, and works beside a
running server and on copies.`,
		Example: `  clew inspect clew-data/MANIFEST
  clew inspect clew-data/wal/0000000200000000.wal | less
  clew inspect clew-data/blocks/default/2026-11-23/0000000000000001.blk`,
		Args: exactly(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := inspect(cmd.OutOrStdout(), args[0]); err != nil {
				return fmt.Errorf("inspect: %w", err)
			}
			return nil
		},
	}
}

// inspect tells the kinds of files apart by how they begin.
func inspect(w io.Writer, name string) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file of the store but a %s", name, info.Mode().Type())
	}
	var magic [8]byte
	n, err := f.ReadAt(magic[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch begin := magic[:n]; {
	case bytes.HasPrefix(begin, []byte("CLEWBLK")):
		return block.Inspect(w, f, info.Size())
	case bytes.HasPrefix(begin, []byte("CLEWMAN")):
		return inspectWhole(w, f, embed.InspectManifest)
	case bytes.HasPrefix(begin, []byte("CWAL")):
		return inspectWhole(w, f, wal.Inspect)
	}
	return fmt.Errorf("%s begins like no file of the store: neither a block (CLEWBLK), a segment of the log (CWAL) nor a manifest (CLEWMAN)", name)
}

func inspectWhole(w io.Writer, r io.Reader, print func([]byte) string) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, print(data))
	return err
}
