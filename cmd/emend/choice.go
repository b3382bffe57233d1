package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// choice is a flag that takes one of a few words.
type choice struct {
	value   string
	allowed []string
	name    string // what help calls a word; empty: help lists them
}

func (c *choice) String() string { return c.value }
func (c *choice) words() string  { return strings.Join(c.allowed, "|") }

// Type is what help shows behind the flag.
func (c *choice) Type() string {
	if c.name != "" {
		return c.name
	}
	return c.words()
}

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("want %s", c.words())
	}
	c.value = s
	return nil
}

// with returns c with another value, that of a parameter called name; nil: the
// same.
func (c *choice) with(name string, value *string) (*choice, error) {
	if value == nil {
		return c, nil
	}
	other := *c
	if err := other.Set(*value); err != nil {
		return nil, &rpcError{Code: codeParams, Message: fmt.Sprintf("%s: %.40q: %s", name, *value, err)}
	}
	return &other, nil
}

// choose adds a flag to cmd that takes one of allowed, the first by default.
func choose(cmd *cobra.Command, name, usage string, allowed ...string) *choice {
	c := &choice{value: allowed[0], allowed: allowed}
	cmd.Flags().Var(c, name, usage)
	cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
	return c
}
