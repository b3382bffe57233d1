package diff

import (
	"strconv"
	"strings"

	"github.com/emend/emend/editor"
	"github.com/emend/emend/internal/fail"
	"github.com/emend/emend/internal/input/fix"
)

// change is what the patch of one file says.
type change struct {
	src      *fix.Source
	pos      int  // of its header
	git      bool // the header is git's
	kind     kind
	old, new string // stripped names; one of them is empty for creation and deletion
	// oldMode and newMode are as git has them, 0 where not given.
	oldMode, newMode uint32
	// oldHex and newHex are the object ids of the index line, maybe abbreviated.
	oldHex, newHex string
	hunks          []hunk
	blob, back     *binary // a binary patch
	note           int     // position of a note that binary files differ, 0 for none
}

// errorAt returns an error about what the patch says at pos.
func (c *change) errorAt(pos int, format string, args ...any) *fail.Error {
	return c.src.Error(fail.Parse, pos, c.path(), format, args...)
}

type kind uint8

const (
	modify kind = iota
	create
	remove
	rename
	copying
)

// The file types of git's modes.
const (
	typeMask  = 0o170000
	regular   = 0o100000
	symlink   = 0o120000
	submodule = 0o160000
)

// origin says where the patch is.
func (c *change) origin() editor.Origin { return editor.Origin(c.src.Position(c.pos)) }

// path names the file in errors.
func (c *change) path() string {
	if c.new != "" {
		return c.new
	}
	return c.old
}

// empty reports whether a file that is there before and after stays as it is.
func (c *change) empty() bool {
	return c.kind == modify && c.hunks == nil && c.blob == nil && c.note == 0 && c.oldMode == c.newMode
}

func (c *change) isLink() bool { return c.oldMode == symlink || c.newMode == symlink }

// parseMode reads a mode as git writes it. Of the permissions of a regular
// file only the owner's x counts, as in git.
func (l lines) parseMode(s string) (uint32, error) {
	mode, err := strconv.ParseUint(s, 8, 32)
	if err != nil {
		return 0, l.errorf("%.20q is not a mode", s)
	}
	switch mode & typeMask {
	case regular:
		return regular | uint32(mode)&0o100, nil
	case symlink:
		return symlink, nil
	case submodule:
		return 0, l.unsupported("changes of submodules are not supported", submoduleHint)
	}
	return 0, l.errorf("%.20q is not the mode of a file or a link", s)
}

// under puts a directory before the names.
func (c *change) under(dir string) {
	dir = strings.TrimRight(dir, "/")
	if dir == "" {
		return
	}
	for _, name := range []*string{&c.old, &c.new} {
		if *name != "" {
			*name = dir + "/" + *name
		}
	}
}
