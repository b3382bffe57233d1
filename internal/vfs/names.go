package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// CheckName gives fs.ErrInvalid unless name is a single component that can
// stand in a directory. Every implementation of Dir calls it first.
func CheckName(op, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, separators) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// pathError adds op and name to err; nil stays nil.
func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// orUnsupported marks the errors by which systems say "this kind of rename
// does not exist here", so that errors.Is finds errors.ErrUnsupported in them
// beside the errno.
func orUnsupported(err error) error {
	switch {
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOTSUP):
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}
