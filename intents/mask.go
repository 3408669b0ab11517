package intents

import (
	"slices"
	"strings"
	"unicode"
)

// Secret kinds that Mask finds, which are entity types too.
const (
	Card        = "card_number"
	Phone       = "phone"
	PaymentCode = "payment_code"
	MerchantNo  = "merchant_no"
	ResidentID  = "resident_id"
)

// A Secret is a number that must not be stored, replaced by its masked form.
type Secret struct {
	Kind   string
	Masked string
}

// Mask replaces the numbers in s that must not be stored: bank cards, resident
// ids, mobile phones and payment codes, also when digits are full-width, set
// apart by blanks, dashes or invisible characters, or next to other numbers. It
// keeps the first and last digits that a person needs to recognise the number,
// never enough to use it. Merchant numbers are reported and left in place:
// support needs them.
func Mask(s string) (masked string, found []Secret) {
	if !hasLongNumber(s) {
		return s, nil
	}
	var b strings.Builder
	runes := []rune(s)
	for i := 0; i < len(runes); {
		all := groupsAt(runes, i)
		if len(all) == 0 {
			b.WriteRune(runes[i])
			i++
			continue
		}
		for n := 0; n < len(all); {
			secret, size, end := longest(runes, all, n)
			if size == 0 {
				n++
				continue
			}
			found = append(found, secret)
			if secret.Kind != MerchantNo {
				b.WriteString(string(runes[i:all[n].start]))
				b.WriteString(secret.Masked)
				i = end
			}
			n += size
		}
		if end := all[len(all)-1].end; i < end {
			b.WriteString(string(runes[i:end]))
			i = end
		}
	}
	return b.String(), found
}

func hasLongNumber(s string) bool {
	n := 0
	for _, r := range s {
		if digit(r) >= 0 {
			if n++; n >= 11 {
				return true
			}
		}
	}
	return false
}

// digit returns the value of a decimal digit in any width, or -1.
func digit(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return int(r - '0')
	case r >= '０' && r <= '９':
		return int(r - '０')
	}
	return -1
}

// A group is digits with nothing visible between them.
type group struct {
	digits     string
	start, end int // runes
}

// maxGap is how many separators may set the parts of one number apart, as in
// 138 - 1234 - 5678.
const maxGap = 3

// groupsAt returns the groups of digits that start at i and follow each other
// over a few separators: they may be one number or several.
func groupsAt(runes []rune, i int) []group {
	var all []group
	var b strings.Builder
	start, end, gap := i, i, 0
	flush := func() {
		if b.Len() > 0 {
			all = append(all, group{b.String(), start, end})
			b.Reset()
		}
	}
	for j := i; j < len(runes); j++ {
		r := runes[j]
		d := digit(r)
		switch {
		case d >= 0:
			if gap > 0 {
				flush()
			}
			if b.Len() == 0 {
				start = j
			}
			b.WriteByte(byte('0' + d))
			end, gap = j+1, 0
		case j == i:
			return nil
		case separator(r) && gap < maxGap:
			gap++
		case invisible(r) && !separator(r):
		default:
			flush()
			return all
		}
	}
	flush()
	return all
}

func separator(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == '.' || r == '·'
}

// longestSecret is how many digits a secret has at most.
const longestSecret = 24

// longest returns the secret made of the most groups from the nth on, how many
// those are, and where it ends; no groups if there is none.
func longest(runes []rune, all []group, n int) (secret Secret, size, end int) {
	digits := ""
	for k := n; k < len(all) && len(digits)+len(all[k].digits) <= longestSecret; k++ {
		least, digitByDigit := shape(all, n, k)
		if least < minPhoneGroup && !digitByDigit {
			break
		}
		digits += all[k].digits
		last := all[k].end
		s, ok := classify(digits, runes[:all[n].start])
		if len(digits) == 17 && residentID(digits+"X") {
			if after, there := checkLetter(runes, last); there {
				s, ok, last = hide(ResidentID, digits+"X", 3, 2), true, after
			}
		}
		switch {
		case !ok, s.Kind == MerchantNo && k > n:
		case s.Kind == Phone || least >= minGroup || digitByDigit:
			secret, size, end = s, k-n+1, last
		}
	}
	return secret, size, end
}

// checkLetter reports whether an X that ends a resident id comes next, set apart
// as digits may be, and returns where it ends.
func checkLetter(runes []rune, at int) (end int, ok bool) {
	gap := 0
	for i := at; i < len(runes); i++ {
		switch r := runes[i]; {
		case strings.ContainsRune("xXｘＸ", r):
			return i + 1, true
		case separator(r) && gap < maxGap:
			gap++
		case invisible(r) && !separator(r):
		default:
			return 0, false
		}
	}
	return 0, false
}

// The groups of one number, but for the last, are as long as people make them:
// 13 25 100 200 3 are prices and no phone.
const (
	minPhoneGroup = 3
	minGroup      = 4
)

// shape returns the length of the shortest of the groups from n to k but the
// last, and whether they may be a number that is written digit by digit, with
// no other before it. The country code counts as long.
func shape(all []group, n, k int) (least int, digitByDigit bool) {
	least, digitByDigit = longestSecret, n == 0
	for _, g := range all[n:k] {
		if g.digits != "86" {
			least = min(least, len(g.digits))
		}
		digitByDigit = digitByDigit && len(g.digits) == 1
	}
	return least, digitByDigit
}

// hide returns the secret with all but its first head and last tail characters
// covered.
func hide(kind, d string, head, tail int) Secret {
	return Secret{kind, d[:head] + strings.Repeat("*", len(d)-head-tail) + d[len(d)-tail:]}
}

// classify says what a number is by its prefix, length and check digit, and,
// where those fit two kinds, by the words before it.
func classify(d string, before []rune) (Secret, bool) {
	couldBeMerchant := len(d) >= 8 && len(d) <= 15
	country := strings.TrimPrefix(strings.TrimPrefix(d, "00"), "86")
	switch {
	case couldBeMerchant && after(before, merchantLabels):
		return hide(MerchantNo, d, 3, 3), true
	case residentID(d):
		return hide(ResidentID, d, 3, 2), true
	case isPaymentCode(d):
		return hide(PaymentCode, d, 2, 0), true
	case len(d) >= 13 && len(d) <= 19 && cardPrefix(d) && luhn(d):
		return hide(Card, d, 0, 4), true
	case mobile(country) && (len(d) == 11 || len(d) == 13 || len(d) == 15):
		return hide(Phone, d, len(d)-8, 2), true
	case couldBeMerchant && after(before, merchantWords):
		return hide(MerchantNo, d, 3, 3), true
	case len(d) == 15 && (strings.HasPrefix(d, "8") || strings.HasPrefix(d, "10")):
		// UnionPay merchant numbers: 15 digits, institution and region first.
		return hide(MerchantNo, d, 3, 3), true
	}
	return Secret{}, false
}

// After a label a number is a merchant's, whatever it looks like; after a mere
// word only if it looks like nothing else, as in 商户电话.
var (
	merchantLabels = []string{"商户号", "商户编号", "商户代码", "终端号", "终端编号", "merchant no", "merchant number", "merchant id", "terminal id"}
	merchantWords  = []string{"商户", "终端", "merchant", "terminal"}
)

// after reports whether one of the words stands in the few characters at the
// end of before.
func after(before []rune, words []string) bool {
	const few = 16
	context := strings.ToLower(string(before[max(0, len(before)-few):]))
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(context, w) })
}

// isPaymentCode follows the wallets' documents: WeChat Pay 18 digits from 10
// to 15 (pay.weixin.qq.com, chapter 3.1.1), Alipay 16 to 24 digits from 25 to
// 30 (alipay.trade.pay, auth_code), UnionPay 19 digits from 62 that are no
// card number.
func isPaymentCode(d string) bool {
	if len(d) < 16 {
		return false
	}
	head := int(d[0]-'0')*10 + int(d[1]-'0')
	switch {
	case head >= 10 && head <= 15:
		return len(d) == 18
	case head >= 25 && head <= 30:
		return len(d) >= 16 && len(d) <= 24
	case head == 62:
		return len(d) == 19 && !luhn(d)
	}
	return false
}

func mobile(d string) bool { return len(d) == 11 && d[0] == '1' && d[1] >= '3' }

// cardPrefix reports whether d starts as bank cards do: UnionPay 62 and the
// older 60, 65, 9; Visa 4; Mastercard 51 to 55 and 2221 to 2720; American
// Express 34 and 37; JCB 35; Diners 30, 36, 38 (ISO/IEC 7812 issuer ranges).
func cardPrefix(d string) bool {
	switch d[0] {
	case '4', '9':
		return true
	case '6':
		return d[1] == '2' || d[1] == '0' || d[1] == '5' || d[1] == '4' || d[1] == '8'
	case '5':
		return d[1] >= '1' && d[1] <= '8'
	case '3':
		return d[1] != '1' && d[1] != '2' && d[1] != '3' && d[1] != '9'
	case '2':
		return d[:4] >= "2221" && d[:4] <= "2720"
	}
	return false
}

// luhn checks the last digit by the Luhn formula (ISO/IEC 7812-1, annex B).
func luhn(d string) bool {
	sum := 0
	for i := range len(d) {
		n := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// residentID checks a Chinese resident id of 18 places by GB 11643 (ISO 7064
// MOD 11-2) and the month and day in it.
func residentID(d string) bool {
	if len(d) != 18 {
		return false
	}
	sum, weight := 0, 1
	for i := 17; i >= 0; i-- {
		n := 10
		if d[i] != 'X' {
			n = int(d[i] - '0')
		} else if i != 17 {
			return false
		}
		sum += n * weight
		weight = weight * 2 % 11
	}
	month, day := d[10:12], d[12:14]
	return sum%11 == 1 && month >= "01" && month <= "12" && day >= "01" && day <= "31" && (d[6:8] == "19" || d[6:8] == "20")
}
