package diff

import (
	"slices"
	"strings"
	"time"
)

const (
	devNull   = "/dev/null"
	stripHint = "say with -p how many leading components of names to drop"
)

// maxHeader bounds the line in which two names are told apart by trying; paths
// are shorter on every system.
const maxHeader = 1 << 13

// isDevNull reports whether the name in value is the one that stands for no
// file.
func isDevNull(value string) bool {
	rest, ok := strings.CutPrefix(value, devNull)
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// name returns the name at the front of value without its first strip
// components.
func (l lines) name(value string, strip int) (string, error) {
	name, err := l.fullName(value)
	if err != nil {
		return "", err
	}
	short, ok := stripName(name, strip)
	if !ok {
		return "", l.errorf("nothing remains of the name %.200q without its first %d components", name, strip).
			WithHint(stripHint)
	}
	return short, l.checkName(short)
}

// fullName returns the name at the front of value, which is quoted or ends at
// a tab or the end.
func (l lines) fullName(value string) (string, error) {
	if !strings.HasPrefix(value, `"`) {
		name, _, _ := strings.Cut(value, "\t")
		return name, nil
	}
	name, rest, ok := unquote(value)
	if !ok || rest != "" && rest[0] != '\t' {
		return "", l.errorf("malformed quoted name %.200s", value)
	}
	return name, nil
}

// checkName refuses what git takes for no path: empty components, and dots.
// What leads out of the tree is for the editor to refuse.
func (l lines) checkName(name string) error {
	parts := strings.Split(name, "/")
	if slices.Contains(parts[1:], "") || slices.Contains(parts, ".") {
		return l.errorf("%.200q is not the name of a file", name)
	}
	return nil
}

// stripName drops the first n components of name. What remains is not empty.
func stripName(name string, n int) (string, bool) {
	for ; n > 0; n-- {
		_, rest, ok := strings.Cut(name, "/")
		if !ok {
			return "", false
		}
		name = rest
	}
	return name, name != ""
}

// unquote reads a name in C-style quotes, as git and diff write one with
// unusual bytes, and returns what follows it.
func unquote(s string) (name, rest string, ok bool) {
	const letters, values = `abtnvfr"\`, "\a\b\t\n\v\f\r\"\\"
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
			if j := strings.IndexByte(letters, s[i]); j >= 0 {
				b.WriteByte(values[j])
				continue
			}
			c, ok := octal(s[i:])
			if !ok {
				return "", "", false
			}
			b.WriteByte(c)
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// octal reads three octal digits from the front of s.
func octal(s string) (byte, bool) {
	if len(s) < 3 || s[0] > '3' {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s[:3]) {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | int(c-'0')
	}
	return byte(n), n != 0
}

// commonName returns the name that both names in "diff --git OLD NEW" are
// without their first strip components, "" where they differ. Names may hold
// spaces, so that only the name being the same says where NEW begins.
func commonName(header string, strip int) string {
	if len(header) > maxHeader {
		return ""
	}
	if strings.HasPrefix(header, `"`) {
		first, rest, ok := unquote(header)
		if second, found := strings.CutPrefix(rest, " "); ok && found {
			return sameName(first, second, strip)
		}
		return ""
	}
	if first, second, ok := strings.Cut(header, ` "`); ok {
		return sameName(first, `"`+second, strip)
	}
	for i := range header {
		if header[i] == ' ' {
			if name := sameName(header[:i], header[i+1:], strip); name != "" {
				return name
			}
		}
	}
	return ""
}

// sameName returns the name that first, and second which may be quoted, have
// in common without their first strip components; else "".
func sameName(first, second string, strip int) string {
	if strings.HasPrefix(second, `"`) {
		name, rest, ok := unquote(second)
		if !ok || rest != "" {
			return ""
		}
		second = name
	}
	a, okA := stripName(first, strip)
	b, okB := stripName(second, strip)
	if !okA || !okB || a != b {
		return ""
	}
	return a
}

// isEpoch reports whether the time stamp after the name in value is the one
// that diff -N writes for a file that does not exist.
func isEpoch(value string) bool {
	_, stamp, _ := strings.Cut(value, "\t")
	for _, layout := range []string{"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00"} {
		if t, err := time.Parse(layout, stamp); err == nil {
			return t.Equal(time.Unix(0, 0))
		}
	}
	return false
}
