package intents_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"tilldesk/intents"
)

func TestMask(t *testing.T) {
	for _, tt := range []struct {
		name, in, want, kind string
	}{
		{"card", "卡号6222021234567890128扣了两次", "卡号***************0128扣了两次", intents.Card},
		{"card in groups", "my card 4111 1111 1111 1111 was charged", "my card ************1111 was charged", intents.Card},
		{"card in full width", "卡是４１１１１１１１１１１１１１１１", "卡是************1111", intents.Card},
		{"card with zero-width characters", "4111\u200b1111\u200b1111\u200b1111", "************1111", intents.Card},
		{"resident id", "身份证11010519491231002X", "身份证110*************2X", intents.ResidentID},
		{"resident id in full width", "１１０１０５１９４９１２３１００２Ｘ", "110*************2X", intents.ResidentID},
		{"resident id with its letter apart", "110105 19491231 002 x的", "110*************2X的", intents.ResidentID},
		{"resident id with an invisible character", "11010519491231002\u200bX", "110*************2X", intents.ResidentID},
		{"another word than the letter of a resident id", "11010519491231002 yes", "11010519491231002 yes", ""},
		{"mobile", "打我电话13812345678", "打我电话138******78", intents.Phone},
		{"mobile with country code", "call +86 138-1234-5678 pls", "call +86138******78 pls", intents.Phone},
		{"WeChat payment code", "码是134567890123456789", "码是13****************", intents.PaymentCode},
		{"Alipay payment code", "付款码 2812 3456 7890 1234 56", "付款码 28****************", intents.PaymentCode},
		{"merchant number stays", "商户号 822290059430000", "商户号 822290059430000", intents.MerchantNo},
		{"amount", "收了1280.50元", "收了1280.50元", ""},
		{"order number", "订单20261122093015000123失败", "订单20261122093015000123失败", ""},
		{"time", "2026-11-22 09:30", "2026-11-22 09:30", ""},
		{"letters before", "SN861234567890123456", "SN861234567890123456", ""},
		{"phone right after letters", "加微信v13812345678", "加微信v138******78", intents.Phone},
		{"card right after a word", "card4111111111111111", "card************1111", intents.Card},
		{"card with its expiry date", "4111 1111 1111 1111 12/27", "************1111 12/27", intents.Card},
		{"phone after an amount", "收了500 13812345678", "收了500 138******78", intents.Phone},
		{"phone on the next line", "100\n13812345678", "100\n138******78", intents.Phone},
		{"phone in a numbered list", "1.13812345678 2.13987654321", "1.138******78 2.139******21", intents.Phone},
		{"two cards", "6222021234567890128 4111111111111111", "***************0128 ************1111", intents.Card},
		{"wide dashes", "138 – 1234 — 5678", "138******78", intents.Phone},
		{"wide blanks", "4111　1111　1111　1111", "************1111", intents.Card},
		{"resident id before a phone", "11010519491231002X 13812345678", "110*************2X 138******78", intents.ResidentID},
		{"phone of a merchant", "我是商户13812345678", "我是商户138******78", intents.Phone},
		{"card of a merchant", "merchant card 378282246310005", "merchant card ***********0005", intents.Card},
		{"merchant number that looks like a phone", "商户号13812345678", "商户号13812345678", intents.MerchantNo},
		{"list of amounts", "今天收了 13 25 100 35 200 3 10", "今天收了 13 25 100 35 200 3 10", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, found := intents.Mask(tt.in)
			if got != tt.want {
				t.Errorf("Mask(%q) = %q, want %q", tt.in, got, tt.want)
			}
			kind := ""
			if len(found) > 0 {
				kind = found[0].Kind
			}
			if kind != tt.kind {
				t.Errorf("kind %q, want %q", kind, tt.kind)
			}
		})
	}
}

// TestMaskRecall makes numbers of each kind, writes them in the ways people
// do, and counts what stays readable; then numbers that must stay.
func TestMaskRecall(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + rng.IntN(10))
		}
		return string(b)
	}
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	card := func() string {
		head := pick("622202", "621700", "625912", "4518", "5240", "3568", "6011", "2221")
		n := 16
		if strings.HasPrefix(head, "62") {
			n = []int{16, 19}[rng.IntN(2)]
		}
		body := head + digits(n-len(head)-1)
		return body + checkDigit(body)
	}
	resident := func() string {
		body := pick("110105", "440106", "310115", "510107") + fmt.Sprintf("%04d%02d%02d", 1950+rng.IntN(60), 1+rng.IntN(12), 1+rng.IntN(28)) + digits(3)
		sum := 0
		for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
			sum += int(body[i]-'0') * w
		}
		return body + string("10X98765432"[sum%11])
	}
	kinds := []func() string{
		card, resident,
		func() string { return "1" + pick("3", "5", "7", "8", "9") + digits(9) },
		func() string { return pick("10", "11", "12", "13", "14", "15") + digits(16) },
		func() string { return pick("25", "26", "27", "28", "29", "30") + digits(16) },
	}
	write := []func(string) string{
		func(s string) string { return s },
		func(s string) string { return spaced(s, " ") },
		func(s string) string { return spaced(s, "-") },
		func(s string) string { return spaced(s, "\u200b") },
		func(s string) string { return strings.Map(fullWidth, s) },
		func(s string) string { return s[:len(s)/2] + "\n" + s[len(s)/2:] },
	}
	const n = 5000
	missed := 0
	for i := range n {
		secret := kinds[i%len(kinds)]()
		text := pick("我的是", "number ", "查一下", "", "v", "收了500 ", "2. ", "100\n") + write[rng.IntN(len(write))](secret) +
			pick("", " 帮我看看", " please", "，急", " 12/27", "\n88元", " 2次")
		masked, _ := intents.Mask(text)
		if longestRun(masked) > 6 {
			missed++
			if missed <= 5 {
				t.Logf("not masked: %q", text)
			}
		}
	}
	if missed > n/100 {
		t.Errorf("%d of %d numbers stayed readable; at most 1 %% may", missed, n)
	}
	wrong := 0
	for i := range n {
		text := ""
		switch i % 5 {
		case 0:
			text = "订单号20" + digits(2) + fmt.Sprintf("%02d%02d", 1+rng.IntN(12), 1+rng.IntN(28)) + digits(12)
		case 1:
			text = "商户号8" + digits(14)
		case 2:
			text = "终端号" + digits(8)
		case 3:
			text = fmt.Sprintf("收了%d.%02d元，%d笔", rng.IntN(1e6), rng.IntN(100), rng.IntN(1000))
		case 4:
			text = "今天是"
			for range 3 + rng.IntN(6) {
				text += fmt.Sprintf(" %d", rng.IntN(1000))
			}
		}
		if masked, _ := intents.Mask(text); masked != text {
			wrong++
			if wrong <= 5 {
				t.Logf("masked without need: %q as %q", text, masked)
			}
		}
	}
	if wrong > n/100 {
		t.Errorf("%d of %d harmless numbers were masked; at most 1 %% may", wrong, n)
	}
	t.Logf("%d of %d secrets missed, %d of %d harmless numbers masked", missed, n, wrong, n)
}

func checkDigit(body string) string {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return fmt.Sprint((10 - sum%10) % 10)
}

func spaced(s, sep string) string {
	var parts []string
	for len(s) > 4 {
		parts, s = append(parts, s[:4]), s[4:]
	}
	return strings.Join(append(parts, s), sep)
}

func fullWidth(r rune) rune {
	if r >= '0' && r <= '9' {
		return r - '0' + '０'
	}
	return r
}

// longestRun is the longest run of digits that a reader would put together.
func longestRun(s string) int {
	best, n := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			n++
			best = max(best, n)
		case r == ' ' || r == '-' || r == '\n' || r == '\u200b':
		default:
			n = 0
		}
	}
	return best
}

func FuzzMask(f *testing.F) {
	for _, seed := range []string{"", "4111 1111 1111 1111", "11010519491231002X", "\xff\xfe13812345678", "１３４５６７８９０１２３４５６７８９"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, found := intents.Mask(s)
		for _, secret := range found {
			if secret.Kind != intents.MerchantNo && !strings.Contains(secret.Masked, "*") {
				t.Fatalf("%q is reported as %s and not masked", secret.Masked, secret.Kind)
			}
		}
		if twice, _ := intents.Mask(once); len(found) == 0 && twice != once {
			t.Fatalf("Mask is not stable: %q, then %q", once, twice)
		}
	})
}
