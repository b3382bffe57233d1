package diff

import (
	"bytes"
	"slices"
	"strings"
)

// atMail reports whether the current line is the one before a mail in a
// mailbox: "From", a commit or a sender, and a date with a time.
func (p *parser) atMail() bool {
	if !p.has("From ") {
		return false
	}
	return slices.ContainsFunc(strings.Fields(string(p.Raw())), isTime)
}

// isTime reports whether s is HH:MM:SS.
func isTime(s string) bool {
	return len(s) == 8 && s[2] == ':' && s[5] == ':' && strings.Trim(s, "0123456789:") == ""
}

// message passes over the headers and the message of a mail, in which things
// can stand that look like patches. It ends at the line "---" before a diffstat;
// without one it could end anywhere.
func (p *parser) message() error {
	p.isHeader = true
	end := p.messageEnd()
	for {
		if err := p.prose(); err != nil || p.Pos() >= end {
			return err
		}
	}
}

// messageEnd returns the position behind the message of the mail that begins at
// the current line, 0 where nothing says where it ends.
func (p *parser) messageEnd() int {
	look := parser{lines: lines{p.Lines.Clone()}}
	end := 0
	for look.Advance(); !look.Done() && !look.atMail(); look.Advance() {
		switch line := look.Line(); {
		case string(line) == "---":
			end = look.Pos()
		case look.has("diff --git "), look.has("--- "):
			end = 0
		case end > 0 && isSummary(line):
			return end
		}
	}
	return 0
}

// isSummary matches the last line of a diffstat.
func isSummary(line []byte) bool {
	words := bytes.Fields(line)
	return len(words) > 2 && line[0] == ' ' && bytes.HasPrefix(words[1], []byte("file")) &&
		bytes.HasPrefix(words[2], []byte("changed"))
}

// prose passes over a line that belongs to no patch. A mail whose text is
// encoded is refused: the patch in it is not what it seems to be.
func (p *parser) prose() error {
	line := p.Line()
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch encoding := strings.ToLower(string(bytes.TrimSpace(value))); {
	case len(line) == 0:
		p.isHeader = false
	case bytes.HasPrefix(line, []byte("--")): // a part of a mail can begin here
		p.isHeader = true
	case p.isHeader && bytes.EqualFold(name, []byte("Content-Transfer-Encoding")) &&
		(encoding == "quoted-printable" || encoding == "base64"):
		return p.unsupported("the mail is encoded in "+encoding, "decode it with git mailinfo, or save the patch as it was sent")
	}
	p.Advance()
	return nil
}
