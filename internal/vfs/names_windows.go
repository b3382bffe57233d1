package vfs

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"
)

// openAt opens what stands at name in an open directory, a link itself, or once
// more what is open, where name is empty. What is done with its names is on the
// disk when it returns.
func openAt(dir windows.Handle, name string, access uint32) (h windows.Handle, err error) {
	object, err := windows.NewNTUnicodeString(name)
	if err != nil {
		return 0, err
	}
	attributes := windows.OBJECT_ATTRIBUTES{RootDirectory: dir, ObjectName: object, Attributes: windows.OBJ_CASE_INSENSITIVE}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	const options = windows.FILE_OPEN_REPARSE_POINT | windows.FILE_OPEN_FOR_BACKUP_INTENT |
		windows.FILE_SYNCHRONOUS_IO_NONALERT | windows.FILE_WRITE_THROUGH
	err = windows.NtCreateFile(&h, access|windows.SYNCHRONIZE, &attributes, &windows.IO_STATUS_BLOCK{}, nil, 0, share,
		windows.FILE_OPEN, options, 0, 0)
	return h, errno(err)
}

// The classes of information that give a file a name.
const (
	classRename   = 10
	classLink     = 11
	classRenameEx = 65
)

// naming is FILE_RENAME_INFORMATION, FILE_RENAME_INFORMATION_EX and
// FILE_LINK_INFORMATION, which are laid out alike.
type naming struct {
	flags  uint32
	dir    windows.Handle
	length uint32 // of the name, in bytes
	name   [256]uint16
}

// setName gives the open file a name in the directory.
func setName(h, dir windows.Handle, name string, class, flags uint32) error {
	units, err := windows.UTF16FromString(name)
	if err != nil {
		return err
	}
	n := naming{flags: flags, dir: dir, length: uint32(2 * (len(units) - 1))}
	if len(units) > len(n.name) {
		return windows.ERROR_FILENAME_EXCED_RANGE
	}
	copy(n.name[:], units)
	return windows.NtSetInformationFile(h, &windows.IO_STATUS_BLOCK{}, (*byte)(unsafe.Pointer(&n)), uint32(unsafe.Sizeof(n)), class)
}

func link(h, dir windows.Handle, name string) error {
	return errno(setName(h, dir, name, classLink, 0))
}

// rename refuses to replace anything.
func rename(h, dir windows.Handle, name string) error {
	return errno(setName(h, dir, name, classRename, 0))
}

// renameReplacing replaces a file also while others have it open, and a read-only
// one, as rename does elsewhere: all of it from Windows 10 1809 on, the least on
// FAT.
func renameReplacing(h, dir windows.Handle, name string) (err error) {
	const replace, posix = windows.FILE_RENAME_REPLACE_IF_EXISTS, windows.FILE_RENAME_POSIX_SEMANTICS
	for _, way := range []struct{ class, flags uint32 }{
		{classRenameEx, replace | posix | windows.FILE_RENAME_IGNORE_READONLY_ATTRIBUTE},
		{classRenameEx, replace | posix},
		{classRename, replace},
	} {
		if err = setName(h, dir, name, way.class, way.flags); !unknown(err) {
			break
		}
	}
	return errno(err)
}

// unknown reports whether the system or the file system says that there is no
// such call.
func unknown(err error) bool {
	return errors.Is(err, windows.STATUS_INVALID_INFO_CLASS) || errors.Is(err, windows.STATUS_INVALID_PARAMETER) ||
		errors.Is(err, windows.STATUS_NOT_SUPPORTED) || errors.Is(err, windows.STATUS_NOT_IMPLEMENTED)
}

// errno is the error that the rest of the system would give: the package fs
// knows these.
func errno(err error) error {
	var status windows.NTStatus
	if errors.As(err, &status) {
		return status.Errno()
	}
	return err
}

// caseSensitive reports whether the directory has been told to tell names apart
// that differ in case only.
func caseSensitive(dir windows.Handle) bool {
	var flags uint32
	err := windows.GetFileInformationByHandleEx(dir, windows.FileCaseSensitiveInfo, (*byte)(unsafe.Pointer(&flags)), uint32(unsafe.Sizeof(flags)))
	return err == nil && flags&1 != 0
}
