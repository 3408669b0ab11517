package dialog

import (
	"tilldesk/content/source"
	"tilldesk/intents"
)

// Before is what is left of the trouble before: the terminal is mostly still
// the same, the wallet often. It is used and said once, so that the merchant
// can set it right, and never asked again. It is never changed in place.
type Before struct {
	Intent string `json:"intent,omitempty"`
	Brand  string `json:"brand,omitempty"` // "" if it was named again since
	Wallet string `json:"wallet,omitempty"`
}

// past ends a trouble: its terminal stays known, its wallet and amount were
// about that trouble alone.
func (s *State) past(fix *Fixing) {
	if fix == nil && s.Before != nil && s.Facts[intents.Wallet] == "" {
		return // nothing has happened since
	}
	before := &Before{Brand: s.Facts[intents.Brand], Wallet: s.Facts[intents.Wallet]}
	if fix != nil {
		before.Intent = fix.Intent
	}
	delete(s.Facts, intents.Wallet)
	delete(s.Facts, intents.Amount)
	s.Before = before
}

// named forgets that the terminal is one of before: it was named now.
func (s *State) named() {
	if s.Before != nil && s.Before.Brand != "" {
		now := *s.Before
		now.Brand = ""
		s.Before = &now
	}
}

// oneWallet is the playbook of a wallet that fails where others work.
const oneWallet = "scan.one_wallet"

// recall goes by what is known from before, as far as it concerns the trouble
// that begins now, and says so.
func (t *turn) recall() {
	before := t.before
	if before == nil {
		return
	}
	t.before, t.st.Before = nil, nil
	var known []source.Text
	if name := t.in.Known[intents.Brand]; before.Brand != "" && !name.IsZero() {
		known = append(known, t.script.text("before.brand", "name", name))
	}
	intent := t.st.Fix.Intent
	if name := t.in.Known[intents.Wallet]; before.Wallet != "" && t.st.Facts[intents.Wallet] == "" && (intent == before.Intent || intent == oneWallet) {
		t.fact(intents.Wallet, before.Wallet)
		if !name.IsZero() {
			known = append(known, name)
		}
	}
	if len(known) == 0 {
		return
	}
	list := source.Text{Zh: join("、", known...).Zh, En: join(", ", known...).En}
	line := t.reply(KindNotice, "before", "known", list)
	line.Intent = intent
	t.say(line)
}
