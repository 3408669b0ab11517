package english_test

import (
	"strings"
	"testing"

	"tilldesk/intents/english"
)

func TestGroups(t *testing.T) {
	groups := english.Groups()
	if len(groups) < 300 {
		t.Errorf("%d groups, want 300 and more", len(groups))
	}
	in := map[string]string{}
	for _, group := range groups {
		if len(group) < 2 {
			t.Errorf("%q is alone: say with what it is alike, or leave it out", group[0])
		}
		for _, word := range group {
			if other, twice := in[word]; twice {
				t.Errorf("%q is with %q and with %q", word, other, group[0])
			}
			if in[word] = group[0]; strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
				t.Errorf("%q is not a word of small letters", word)
			}
		}
	}
	if in["reimburse"] != in["refund"] || in["refund"] == in["settle"] {
		t.Error("refund is with reimburse, and not with settle")
	}
}
