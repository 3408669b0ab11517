package dialog

import (
	"regexp"
	"slices"
)

// codeIntent is the playbook of a printed code that does not scan, and
// newSticker its step that asks for another one.
const (
	codeIntent = "code.damaged"
	newSticker = "new_sticker"
)

// wantsNew asks for a new one of what is talked of, and no more.
var wantsNew = regexp.MustCompile(`^(?:那|好的?|可以|能不能|能|我要|我想|想|要|给我|帮我|请|直接|还是|重新|[,.!。、\s])*(?:换|补|来|申请|要|寄|发|领)(?:一|个|张|新|的|码|贴纸|下|吧|吗|呗|好了|得了|行不行|[,.!?。、\s])+$|^(?:ok|can i|could i|may i|i|we|please|pls|just|get|have|want|need|give|send|me|a|'d like|would like|[,.!\s])*(?:new|another|replacement) (?:one|sticker|code|qr|qr code)(?: pls| please| then| instead|[,.!?\s])*$`)

// newCode leads who wants a new code to the step that says how to get one: in
// the fix of a code, what is to be replaced is the code and not the terminal.
func (t *turn) newCode() bool {
	fix := t.st.Fix
	if fix == nil || fix.Intent != codeIntent || fix.Step == newSticker || !wantsNew.MatchString(t.in.Said) {
		return false
	}
	step := t.script.stepOf(codeIntent, newSticker)
	if _, done := fix.Answers[newSticker]; step == nil || done {
		return false
	}
	if asked := t.asked(); asked != nil && slices.Contains(step.After, asked.ID) {
		t.insist(asked, "fix.yes_no") // whether a stranger's code is pasted over it comes before
		return true
	}
	t.st.Back = fix.clone()
	fix.Step, fix.Unsure = step.ID, 0
	t.productive()
	t.reason(NextStep)
	t.say(t.stepLine(step))
	return true
}
