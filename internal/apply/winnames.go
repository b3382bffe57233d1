package apply

import (
	"slices"
	"strings"
)

// windowsName reports whether a name in a path means, on Windows, the file of
// just that name. Other names cannot be had there, are devices, or are another
// spelling: x. and x for the system, and GIT~1 and .git for the file system. The
// rules are those of "Naming Files, Paths, and Namespaces" in its documentation.
func windowsName(name string) bool {
	reserved := func(r rune) bool { return r < ' ' || strings.ContainsRune(`<>:"/\|?*`, r) }
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	short, number, isShort := strings.Cut(stem, "~")
	switch {
	case strings.ContainsFunc(name, reserved), strings.HasSuffix(name, "."), strings.HasSuffix(name, " "):
		return false
	case slices.Contains([]string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}, stem):
		return false
	case len(stem) > 3 && (stem[:3] == "COM" || stem[:3] == "LPT") && slices.Contains(deviceNumbers, stem[3:]):
		return false
	}
	return !isShort || short != "GIT" && short != "EMEND" || strings.Trim(number, "0123456789") != ""
}

// deviceNumbers are those of COM and LPT; the system takes a superscript for its
// digit.
var deviceNumbers = strings.Split("0123456789¹²³", "")
