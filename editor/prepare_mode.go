package editor

// create returns the mode of a new file, and whether it is exact or still to
// be cut by the umask.
func (m Mode) create() (bits uint32, exact bool) {
	switch {
	case m&Executable != 0:
		return 0o777, false
	case m == 0:
		return 0o666, false
	}
	return m.bits(), true
}

// change returns the mode that a file of mode old gets.
func (m Mode) change(old uint32) uint32 {
	switch {
	case m&(SetExec|Executable) != 0:
		return old | old&0o444>>2
	case m&ClearExec != 0:
		return old &^ 0o111
	}
	return m.bits()
}

func (m Mode) bits() uint32 { return uint32(m) & 0o7777 }
