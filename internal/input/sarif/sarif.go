// Package sarif reads the fixes of a SARIF 2.1.0 log.
package sarif

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math"
	"slices"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
	"github.com/emend/emend/locator"
)

// Options are what a log leaves open.
type Options struct {
	fix.Options
	Root fix.Root
	Fix  int // which fix of a result is taken, from 1; 0: the first
}

// Parse reads a log. Errors are of kind parse, unsupported, path-escape or
// conflict and name the place.
func Parse(src *fix.Source, opts Options) (editor.Plan, error) {
	in, err := fix.NewJSON(src, 0)
	if err != nil {
		return editor.Plan{}, err
	}
	if opts.Fix == 0 {
		opts.Fix = 1
	}
	r := &reader{JSON: in, opts: opts, set: fix.NewSet(fix.Rules{}, opts.Options)}
	pos, runs := r.Pos(), false
	err = r.Object(func(name string) error {
		switch name {
		case "version":
			return r.version()
		case "runs":
			runs = true
			return r.Array(r.run)
		}
		return r.Skip()
	})
	if err == nil && !runs {
		err = r.Error(fail.Parse, pos, "", "a log has runs")
	}
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return editor.Plan{}, err
	}
	return r.set.Plan()
}

// Detect reports whether data begins as a log does.
func Detect(data []byte) bool {
	name, value := fix.FirstKey(data)
	schema, _, _ := bytes.Cut(value, []byte("\n"))
	return slices.Contains(fix.Names(data), "runs") || name == "$schema" && bytes.Contains(schema, []byte("sarif"))
}

type reader struct {
	*fix.JSON
	opts Options
	set  *fix.Set
}

func (r *reader) version() error {
	pos := r.Pos()
	var version string
	if err := r.Decode(&version); err != nil {
		return err
	}
	if !strings.HasPrefix(version, "2.1.") {
		return r.Error(fail.Unsupported, pos, "", "version %.20q of SARIF is not supported, only 2.1.0", version)
	}
	return nil
}

// run is what the results of a run refer to.
type run struct {
	encoding  locator.Encoding // of columns and offsets
	bases     map[string]location
	artifacts []artifact
	sums      map[string][]byte // of the artifacts that have a hash, by path
	results   []result
}

type artifact struct {
	Location location          `json:"location"`
	Parent   *int              `json:"parentIndex"` // of what it is packed in; -1 or missing: it is a file
	Hashes   map[string]string `json:"hashes"`
}

type location struct {
	URI    string `json:"uri"`
	BaseID string `json:"uriBaseId"`
	Index  *int   `json:"index"`
}

// result is a result that has the fix that was asked for.
type result struct {
	rule string
	pos  int
	fix  sarifFix
}

type sarifFix struct {
	Changes []struct {
		Location     location      `json:"artifactLocation"`
		Replacements []replacement `json:"replacements"`
	} `json:"artifactChanges"`
}

type replacement struct {
	Deleted  *region  `json:"deletedRegion"`
	Inserted *content `json:"insertedContent"`
}

type content struct {
	Text   *string `json:"text"`
	Binary *string `json:"binary"`
}

// run reads a run, whose names may come in any order.
func (r *reader) run() error {
	u := run{encoding: locator.UTF32}
	err := r.Object(func(name string) error {
		switch name {
		case "columnKind":
			return r.columnKind(&u)
		case "originalUriBaseIds":
			return r.Decode(&u.bases)
		case "artifacts":
			return r.Decode(&u.artifacts)
		case "results":
			if r.Null() {
				return nil
			}
			return r.Array(func() error { return r.result(&u) })
		}
		return r.Skip()
	})
	if err != nil {
		return err
	}
	u.sumUp(r.opts.Root)
	for _, result := range u.results {
		if err := r.add(&u, result); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) columnKind(u *run) error {
	pos := r.Pos()
	var kind string
	if err := r.Decode(&kind); err != nil {
		return err
	}
	switch kind {
	case "unicodeCodePoints":
		u.encoding = locator.UTF32
	case "utf16CodeUnits":
		u.encoding = locator.UTF16
	default:
		return r.Error(fail.Unsupported, pos, "", "there is no columnKind %.40q", kind)
	}
	return nil
}

func (r *reader) result(u *run) error {
	found := result{pos: r.Pos()}
	fixes := 0
	err := r.Object(func(name string) error {
		switch name {
		case "ruleId":
			return r.Decode(&found.rule)
		case "fixes":
			return r.Array(func() error {
				if fixes++; fixes != r.opts.Fix {
					return r.Skip()
				}
				found.pos = r.Pos()
				return r.Decode(&found.fix)
			})
		}
		return r.Skip()
	})
	switch {
	case err != nil:
		return err
	case fixes >= r.opts.Fix:
		u.results = append(u.results, found)
	case fixes > 0:
		r.set.Note(r.Source, found.pos, found.rule, "the result has fewer fixes")
	}
	return nil
}

// add adds the fix of a result.
func (r *reader) add(u *run, found result) error {
	f := fix.Fix{Name: found.rule, Pos: found.pos}
	for _, change := range found.fix.Changes {
		path, known, err := u.file(r.opts.Root, change.Location)
		if err != nil {
			if fail.KindOf(err) == fail.PathEscape {
				return r.set.Refuse(r.Source, f, err)
			}
			return r.At(err, found.pos, "")
		}
		if known.Sum != nil {
			r.set.Expect(path, known)
		}
		for _, replacement := range change.Replacements {
			e, err := replacement.edit(u.encoding)
			if err != nil {
				return r.At(err, found.pos, path)
			}
			f.Edits = append(f.Edits, fix.Edit{Path: path, Edit: e})
		}
	}
	return r.set.Add(r.Source, f)
}

// file returns the path of an artifact and what is known of its content.
func (u *run) file(root fix.Root, l location) (path string, known editor.Expect, err error) {
	if l.Index != nil && *l.Index >= 0 && *l.Index < len(u.artifacts) {
		a := u.artifacts[*l.Index]
		if l.URI == "" {
			l = a.Location
		}
		known.Sum = a.checksum()
	}
	if path, err = u.path(root, l); known.Sum == nil {
		known.Sum = u.sums[path]
	}
	return path, known, err
}

// sumUp finds the files that hashes are known of.
func (u *run) sumUp(root fix.Root) {
	u.sums = make(map[string][]byte)
	for _, a := range u.artifacts {
		sum := a.checksum()
		path, err := u.path(root, a.Location)
		if err == nil && sum != nil && (a.Parent == nil || *a.Parent < 0) {
			u.sums[path] = sum
		}
	}
}

// checksum returns the best hash of the artifact, nil if there is none.
func (a *artifact) checksum() []byte {
	for _, name := range []string{"sha-512", "sha-384", "sha-256", "sha-1"} {
		for given, digits := range a.Hashes {
			if !strings.EqualFold(given, name) && !strings.EqualFold(given, strings.ReplaceAll(name, "-", "")) {
				continue
			}
			if sum, err := hex.DecodeString(digits); err == nil {
				return sum
			}
		}
	}
	return nil
}

// edit returns the edit of a replacement.
func (c *replacement) edit(enc locator.Encoding) (locator.Edit, error) {
	if c.Deleted == nil {
		return locator.Edit{}, fail.New(fail.Parse, "", "", "a replacement needs a deletedRegion")
	}
	e, err := c.Deleted.place(enc)
	if err != nil || c.Inserted == nil {
		return e, err
	}
	switch {
	case c.Inserted.Binary != nil:
		if e.Text, err = base64.StdEncoding.DecodeString(*c.Inserted.Binary); err != nil {
			err = fail.New(fail.Parse, "", "", "the binary content is not base64")
		}
	case c.Inserted.Text != nil:
		e.Text = []byte(*c.Inserted.Text)
	}
	return e, err
}

// maxNumber bounds what a region may count to.
const maxNumber = math.MaxInt32
