package wal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/vfs"
)

// Dump writes the frames of the log in dir, for people: one line each with
// offset, sequence number, syncedOff, type, payload length and what it says;
// damage and torn writes in their place. It needs no lock and works on a log
// that cannot be opened. What is not there has no lines.
func Dump(w io.Writer, fsys vfs.FS, dir string) error {
	d, err := fsys.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap(err, "open", dir)
	}
	defer d.Close()
	return dump(w, d)
}

func dump(w io.Writer, d vfs.Dir) error {
	out := bufio.NewWriter(w)
	first := true
	err := walkLog(d, func(wk *walker, p piece) error {
		if first && wk.header.generation > 0 {
			fmt.Fprintf(out, "log %x generation %d from frame %d\n", wk.header.logID, wk.header.generation, wk.header.baseSeq)
		}
		first = false
		_, err := fmt.Fprintln(out, p.describe())
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

func (p piece) describe() string {
	if f := p.frame; f != nil {
		line := fmt.Sprintf("%10d  #%-6d synced %-8d %-12v %8d  %s", f.off, f.seq, f.synced, f.typ, f.length, f.describe())
		return strings.TrimRight(line, " ")
	}
	if p.gap.torn() {
		return fmt.Sprintf("%10d  torn: %d bytes of a write that was not finished", p.gap.from, p.gap.to-p.gap.from)
	}
	return fmt.Sprintf("%10d  damaged up to %d: %s", p.gap.from, p.gap.to, p.gap.lost)
}

// describe says what the payload says, as far as it can be understood.
func (f *frame) describe() string {
	text, err := f.details()
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return text
}

func (f *frame) details() (string, error) {
	switch f.typ {
	case typeBegin:
		b, err := decodeBegin(f.payload)
		return fmt.Sprintf("%v %s %q", b.ID, b.Time.Format(time.RFC3339), b.Label), err
	case typeFile:
		id, s, err := decodeStep(f.payload)
		return fmt.Sprintf("%v %d %s", id, s.N, fail.QuotePath(s.Path)), err
	case typeData:
		h, err := decodeDataHeader(f.payload)
		return fmt.Sprintf("%v %d image %d at %d", h.id, h.n, h.img, h.off), err
	case typeSeal:
		s, err := decodeSeal(f.payload)
		return fmt.Sprintf("%v %d frames from %d", s.id, s.frames, s.begin), err
	case typeDecision:
		id, d, err := decodeDecision(f.payload)
		return fmt.Sprintf("%v %v", id, d), err
	case typeRetire:
		id, o, at, err := decodeRetire(f.payload)
		return fmt.Sprintf("%v %v %s", id, o, at.Format(time.RFC3339)), err
	case typeNote:
		n, err := decodeNote(f.payload)
		return fmt.Sprintf("%v %d kind %d %q", n.id, n.n, n.kind, n.text), err
	case typeHost, typeHostRetire:
		d := decoder{b: f.payload}
		return fmt.Sprintf("%q", d.string()), d.err
	case typeEntry:
		e, err := decodeEntry(f.payload)
		return fmt.Sprintf("op %d %q %q %d bytes", e.Op, e.Entity, e.Key, len(e.Data)), err
	case typeTruncate:
		through, err := decodeTruncate(f.payload)
		return fmt.Sprintf("through %d", through), err
	case typeKeys:
		list, err := decodeKeys(f.payload)
		return fmt.Sprintf("%d transactions", len(list)), err
	}
	return "", nil
}

// String says how an intent ended.
func (o Outcome) String() string {
	names := [...]string{Pending: "pending", Committed: "committed", RolledBack: "rolled back", ParkedOutcome: "parked"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// String says which way.
func (d Decision) String() string {
	names := [...]string{Undecided: "undecided", Forward: "forward", Back: "back"}
	if int(d) < len(names) {
		return names[d]
	}
	return fmt.Sprintf("decision %d", uint8(d))
}
