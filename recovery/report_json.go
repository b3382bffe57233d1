package recovery

import (
	"encoding/json"
	"unicode/utf8"
)

// MarshalJSON writes the intent as recover and status tell it to tools.
func (r IntentReport) MarshalJSON() ([]byte, error) {
	files := r.Files
	if files == nil {
		files = []FileReport{}
	}
	return json.Marshal(struct {
		ID     string       `json:"id"`
		Label  string       `json:"label"`
		Action string       `json:"action"`
		Files  []FileReport `json:"files"`
	}{r.ID, r.Label, r.Action, files})
}

// MarshalJSON writes path or, where it is not UTF-8, path_base64.
func (f FileReport) MarshalJSON() ([]byte, error) {
	out := struct {
		Path       string `json:"path,omitempty"`
		PathBase64 []byte `json:"path_base64,omitempty"`
		State      string `json:"state"`
		Action     string `json:"action"`
		Why        string `json:"why,omitempty"`
	}{State: f.State, Action: f.Action, Why: f.Why}
	if utf8.ValidString(f.Path) {
		out.Path = f.Path
	} else {
		out.PathBase64 = []byte(f.Path)
	}
	return json.Marshal(out)
}

// MarshalJSON writes null where nothing was cut.
func (l LogReport) MarshalJSON() ([]byte, error) {
	out := struct {
		TornBytes  int64   `json:"torn_bytes"`
		Quarantine *string `json:"quarantine"`
	}{TornBytes: l.TornBytes}
	if l.Quarantine != "" {
		out.Quarantine = &l.Quarantine
	}
	return json.Marshal(out)
}
