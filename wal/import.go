package wal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/emend/emend/internal/vfs"
	"github.com/emend/emend/locator"
)

// A log of JSON lines, one host intent each, may stand under the log's name: it
// is what came before this format. Who holds the lock converts it; who only
// reads, reads it as it is. The old file is kept as importedName.
const importedName = "wal.jsonl"

// jsonIntent is a line. Edits may be spelled like the others or as in Go.
type jsonIntent struct {
	Intent
	Edits []struct {
		Path      string `json:"path"`
		StartByte int    `json:"start_byte"`
		EndByte   int    `json:"end_byte"`
		NewText   string `json:"new_text"`
		GoStart   int    `json:"startbyte"`
		GoEnd     int    `json:"endbyte"`
		GoNewText string `json:"newtext"`
	} `json:"edits"`
}

func (j *jsonIntent) intent() Intent {
	in := j.Intent
	for _, e := range j.Edits {
		in.Edits = append(in.Edits, locator.FileEdit{
			Path:      e.Path,
			StartByte: e.StartByte + e.GoStart, // one of the two is not there
			EndByte:   e.EndByte + e.GoEnd,
			NewText:   e.NewText + e.GoNewText,
		})
	}
	return in
}

var errJSONLog = errors.New("this is a log of JSON lines")

// isJSONLog reports whether the file begins like a log of JSON lines.
func isJSONLog(f io.ReaderAt) (bool, error) {
	b := make([]byte, fileHeaderSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return bytes.HasPrefix(bytes.TrimLeft(b[:n], " \t\r\n"), []byte("{")), nil
}

// readJSONLog reads all lines. A last line that is torn is ignored; any other
// that cannot be read is a *CorruptError.
func readJSONLog(f io.ReaderAt, size int64, path string) ([]Intent, error) {
	var list []Intent
	var bad *CorruptError
	r := bufio.NewReader(io.NewSectionReader(f, 0, size))
	for n, off := 1, int64(0); ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, wrap(err, "read", path)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			if bad != nil {
				return nil, bad
			}
			var j jsonIntent
			if e := json.Unmarshal(text, &j); e != nil || j.ID == "" {
				lost := fmt.Sprintf("line %d is no intent: %v", n, e)
				bad = &CorruptError{Path: path, From: off, To: off + int64(len(line)), Lost: lost}
			} else {
				list = append(list, j.intent())
			}
		}
		off += int64(len(line))
		if err != nil {
			return list, nil
		}
	}
}

// loadJSON converts a log of JSON lines, or, without the lock, reads it.
func (c *shared) loadJSON(locked bool) error {
	f, err := c.dir.Open(logName)
	if err != nil {
		return wrap(err, "open", c.path)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return wrap(err, "open", c.path)
	}
	list, err := readJSONLog(f, info.Size, c.path)
	if err != nil {
		return err
	}
	if locked {
		return c.importJSON(list)
	}
	c.forget()
	c.imported = list
	for _, in := range list {
		c.idx.hosts.live[hostDigest(in.ID)] = 0
	}
	return nil
}

// importJSON converts the log of JSON lines into a first generation. Until
// that has the log's name, durably, the old log is what it was; afterwards it
// is under its own name.
func (c *shared) importJSON(list []Intent) error {
	h, err := newFileHeader()
	if err != nil {
		return err
	}
	var fs frames
	for i := range list {
		fs.add(typeHost, 0, list[i].encode)
	}
	fs.link(h.salt(), h.start(), fileHeaderSize)
	h.birth += int64(len(fs.buf))
	fs.link(h.salt(), h.start(), fileHeaderSize) // the chain begins with the header
	if _, err := c.keepOld(importedName); err != nil {
		return wrap(err, "keep", importedName)
	}
	return c.makeLog(h, fs.buf)
}

// keepOld gives the file that has the log's name a second one, name or name and
// a number, or, where links are refused, makes a copy; durable on return.
func (c *shared) keepOld(name string) (string, error) {
	f, err := c.dir.Open(logName)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	free := name
	for i := 1; ; i++ {
		there, err := c.dir.Lstat(free)
		if vfs.NotExist(err) || err == nil && there.SameFile(info) {
			break
		}
		if err != nil {
			return "", err
		}
		free = fmt.Sprintf("%s.%d", name, i)
	}
	if err := c.dir.Link(logName, c.dir, free); err != nil && !errors.Is(err, fs.ErrExist) {
		err = c.dir.Replace(free, 0o600, func(w io.Writer) error {
			_, err := io.Copy(w, io.NewSectionReader(f, 0, info.Size))
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return free, c.dir.Sync()
}

// verifyJSON is VerifyDir for a log of JSON lines; false if it is none.
func verifyJSON(dir vfs.Dir, r *VerifyReport) (bool, error) {
	f, err := dir.Open(logName)
	if vfs.NotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, wrap(err, "open", logName)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Kind != vfs.Regular {
		return false, wrap(err, "open", logName)
	}
	if is, err := isJSONLog(f); !is || err != nil {
		return false, wrap(err, "read", logName)
	}
	list, err := readJSONLog(f, info.Size, logName)
	var bad *CorruptError
	if errors.As(err, &bad) {
		r.Damage = []Damage{{bad.From, bad.To, bad.Lost}}
		err = nil
	}
	r.Frames, r.Bytes = int64(len(list)), info.Size
	return true, err
}
