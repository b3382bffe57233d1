package locator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// QuoteGit returns a file name as git writes it into a diff: as it is, or in
// double quotes with C escapes where it holds control characters, a double
// quote, a backslash, or bytes that are not UTF-8.
func QuoteGit(name string) string {
	valid := utf8.ValidString(name)
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		b.WriteString(quoteByte(name[i], valid))
	}
	if b.Len() == len(name)+1 {
		return name
	}
	b.WriteByte('"')
	return b.String()
}

// quoteByte escapes c; bytes above ASCII stay in a name that is all UTF-8.
func quoteByte(c byte, valid bool) string {
	const letters = "\a\b\t\n\v\f\r\"\\"
	if i := strings.IndexByte(letters, c); i >= 0 {
		return `\` + `abtnvfr"\`[i:i+1]
	}
	if c < ' ' || c == 0x7f || c >= utf8.RuneSelf && !valid {
		return fmt.Sprintf(`\%03o`, c)
	}
	return string([]byte{c})
}
