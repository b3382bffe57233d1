package editor

import (
	"github.com/emend/emend/hashing"
	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/wal"
)

// change is one path of a prepared transaction: the step that the log will
// hold, and where the bytes of its after-image come from.
type change struct {
	wal.Step
	source source
	// content is the after-image of a sourceLiteral.
	content []byte
	// origin is the path on disk, before the transaction, whose bytes with
	// edits applied are the after-image of a sourceSplice; for a sourceLink it
	// is the path whose inode the after-image is.
	origin     string
	originHash hashing.Digest
	edits      []wal.Replacement
	// disk is the path before the transaction of what Path stands for, if there
	// is anything: it differs from Path beneath a renamed directory.
	disk string
	// stays: the path keeps its file, which may then be written in place.
	stays bool
	// info is what stood at disk when Prepare read it; zero for nothing.
	info vfs.Info
	// held are the bytes that stood there; nil: to be read again.
	held []byte
}

// source says where an after-image comes from.
type source uint8

// The sources. sourceNone is a step without bytes: after is absent, a
// directory, a link (its target is in After), or the old file with another
// mode.
const (
	sourceNone source = iota
	sourceLiteral
	sourceSplice
	sourceLink
)
