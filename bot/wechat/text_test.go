package wechat

import (
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/silenceper/wechat/v2/officialaccount/message"
	"pgregory.net/rapid"

	"tilldesk/bot"
	"tilldesk/bot/wechat/wechattest"
)

// squeeze leaves out what a cut may lose.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// Every piece fits, nothing is lost, and no character is cut.
func TestSplit(t *testing.T) {
	characters := []string{"收", "a", " ", "\n", "。", ". ", "é", "e\u0301", "👩‍👩‍👧‍👦", "🇨🇳", "👍🏽", "\u202E", "，", "\n\n", "️"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(characters), 0, 400).Draw(t, "text"), "")
		limit := rapid.IntRange(40, 200).Draw(t, "limit")
		all := split(text, limit)
		for i, piece := range all {
			if len(piece) > limit || !utf8.ValidString(piece) {
				t.Fatalf("piece %d has %d bytes of %d: %q", i, len(piece), limit, piece)
			}
			if piece == "" && len(all) > 1 {
				t.Fatalf("piece %d is empty", i)
			}
			if i > 0 && strings.Join(all, "") == text && !slices.Contains(boundaries(all[i-1]+piece, len(all[i-1])), len(all[i-1])) && len(all[i-1]) > limit/2 {
				// Only marks without end on one character may be cut.
				if last := all[i-1]; strings.ContainsFunc(last[len(last)/2:], func(r rune) bool { return !unicode.In(r, unicode.M) && r != '\u200D' }) {
					t.Fatalf("cut between %q and %q", last, piece)
				}
			}
		}
		if got := squeeze(strings.Join(all, "")); got != squeeze(text) {
			t.Fatalf("lost: %q became %q", text, got)
		}
	})
}

func TestSplitAtTheLimit(t *testing.T) {
	for n, want := range map[int]int{683: 2, 682: 1} { // 2049 and 2046 bytes
		if got := len(split(strings.Repeat("收", n), maxText)); got != want {
			t.Errorf("%d characters make %d pieces, want %d", n, got, want)
		}
	}
	if got := split(strings.Repeat("\u0301", 3000), 100); len(got) < 60 {
		t.Errorf("marks without end make %d pieces", len(got))
	}
}

// Whatever is to be said arrives as XML and as JSON that WeChat takes.
func FuzzSaid(f *testing.F) {
	for _, seed := range []string{"在吗", "a]]>b", "😀 \u2028x\u2029", "\x00\x01\x1f", "\uFFFE\uFFFF", "\xff\xfe", "<a href='x'>&amp;</a>", "\\u2028", strings.Repeat("收", 3000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, said string) {
		c := &Channel{}
		for _, piece := range pieces(bot.Reply{Text: said, Choices: []bot.Choice{{ID: "a", Label: said}, {ID: "b", Label: "好"}}}) {
			if len(piece) > maxText || !utf8.ValidString(piece) {
				t.Fatalf("%d bytes: %q", len(piece), piece)
			}
			reply := message.NewText(piece)
			body, err := c.seal(reply, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			var back struct {
				XMLName xml.Name `xml:"xml"`
				Content string
			}
			if err := xml.Unmarshal(body, &back); err != nil || back.Content != piece {
				t.Fatalf("%q came back as %q, %v", piece, back.Content, err)
			}
			var b strings.Builder
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(customerMessage{CustomerMessage: message.NewCustomerTextMessage("o", piece)}); err != nil {
				t.Fatal(err)
			}
			if escaped := strings.ReplaceAll(b.String(), `\\`, ""); strings.Contains(escaped, `\u`) {
				t.Fatalf("the JSON has an escape: %s", b.String())
			}
		}
	})
}

// FuzzEnvelope looks for a body that is taken though WeChat did not seal it.
func FuzzEnvelope(f *testing.F) {
	const key, id, token = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a", "123456"
	const known = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="
	const signature = "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96"
	f.Add("<xml><Encrypt>"+known+"</Encrypt></xml>", signature)
	f.Add("<xml><Encrypt>"+known[:24]+"</Encrypt></xml>", signature)
	f.Add("<xml><ToUserName>gh_1</ToUserName><Content>hello</Content></xml>", "")
	f.Add("<xml><Encrypt><![CDATA["+known+"]]></Encrypt><Encrypt>x</Encrypt></xml>", signature)
	c, err := New(nil, nil, Options{AppID: id, AppSecret: "s", Token: token, AESKey: key})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, sign string) {
		q := query{timestamp: "1411443780", nonce: "437374425", msgSignature: sign, encrypted: true}
		inner, err := c.open(q, []byte(body))
		if err != nil {
			return
		}
		if fields, err := parse([]byte(body)); err != nil || fields.get("Encrypt") != known || string(inner) != "5927782489442352469" {
			t.Errorf("%q was taken as %q", body, inner)
		}
	})
}

// FuzzDecrypt is the same without the signature in the way, which alone can tell
// whether a ciphertext was changed: what is read is what a stricter
// implementation reads, and nothing panics.
func FuzzDecrypt(f *testing.F) {
	const key, id = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a"
	const known = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="
	c, err := New(nil, nil, Options{AppID: id, AppSecret: "s", Token: "123456", AESKey: key})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(known)
	f.Add("9s4gMv99m88kKTh/H8IdkNiFGeG9pd7vNWl50fGRWXY=") // for another app id
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, sealed string) {
		body, err := xml.Marshal(message.EncryptedXMLMsg{EncryptedMsg: sealed})
		if err != nil {
			return
		}
		fields, err := parse(body)
		if err != nil {
			return
		}
		q := query{timestamp: "1", nonce: "2", encrypted: true}
		q.msgSignature = signatureOf("123456", q.timestamp, q.nonce, fields.get("Encrypt"))
		inner, err := c.open(q, body)
		if err != nil {
			return
		}
		if want, err := wechattest.Open(key, id, fields.get("Encrypt")); err != nil || string(inner) != want {
			t.Errorf("%q was taken as %q, want %q, %v", sealed, inner, want, err)
		}
	})
}
