package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emend/emend/internal/input"
)

func TestHelpNamesEveryFormat(t *testing.T) {
	for _, format := range input.Formats() {
		require.Regexp(t, `\b`+format+`\b`, formatsHelp)
	}
}
