package apply

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWindowsNames(t *testing.T) {
	for _, name := range []string{"a", ".a", "a b", "a.b.c", "é", "console", "com", "com10", "COMA", "nullable.go", "lpt", "git~a", "digit~1", "~", "a~1", "com1a"} {
		require.True(t, windowsName(name), name)
	}
	for _, name := range []string{"a.", "a ", "...", "a:b", `a\b`, "a?", "a*", "<", ">", `"`, "|", "a\tb", "con", "NUL", "nul.txt", "Aux.a.b", "nul .txt",
		"com1", "COM0.log", "lpt9", "LPT¹.txt", "conin$", "CONOUT$", "git~1", "GIT~12", "emend~1"} {
		require.False(t, windowsName(name), name)
	}
}
