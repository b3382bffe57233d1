package vfs

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strconv"
)

// ReplaceBySteps is Replace made of d's other calls: create a temporary name,
// write, set the mode, sync, rename. For an implementation that has no better
// one, or that wants each step seen. The directory is not synced.
//
// The temporary name is "." + name + decimal digits, as renameio makes it; a
// crash may leave one behind, which nothing but its name tells from a file of
// the user.
func ReplaceBySteps(d Dir, name string, mode uint32, write func(io.Writer) error) error {
	if err := CheckName("replace", name); err != nil {
		return err
	}
	f, temp, err := createTemp(d, name)
	if err != nil {
		return err
	}
	err = errors.Join(fillTemp(f, mode, write), f.Close())
	if err == nil {
		err = d.Rename(temp, d, name)
	}
	if err != nil {
		_ = d.Remove(temp) // the first error is the one to tell
	}
	return err
}

func createTemp(d Dir, name string) (File, string, error) {
	for {
		temp := "." + name + strconv.FormatInt(rand.Int64(), 10)
		f, err := d.Create(temp, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return f, temp, err
		}
	}
}

// fillTemp sets the mode last, so that nobody whom it keeps out has read a
// byte.
func fillTemp(f File, mode uint32, write func(io.Writer) error) error {
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return f.Sync()
}
