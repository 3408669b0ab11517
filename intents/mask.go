package intents

import (
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
// ids, mobile phones and payment codes, also when digits are full-width or set
// apart by blanks, dashes or invisible characters. It keeps the first and last
// digits that a person needs to recognise the number, never enough to use it.
// Merchant numbers are reported and left in place: support needs them.
func Mask(s string) (masked string, found []Secret) {
	if !hasLongNumber(s) {
		return s, nil
	}
	var b strings.Builder
	runes := []rune(s)
	for i := 0; i < len(runes); {
		digits, end := digitRun(runes, i)
		if len(digits) == 0 {
			b.WriteRune(runes[i])
			i++
			continue
		}
		if i > 0 && latinLetter(runes[i-1]) {
			b.WriteString(string(runes[i:end]))
			i = end
			continue
		}
		secret, ok := classify(digits, contextBefore(runes, i))
		switch {
		case !ok:
			b.WriteString(string(runes[i:end]))
		case secret.Kind == MerchantNo:
			found = append(found, secret)
			b.WriteString(string(runes[i:end]))
		default:
			found = append(found, secret)
			b.WriteString(secret.Masked)
		}
		i = end
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

func latinLetter(r rune) bool { return r < 128 && unicode.IsLetter(r) }

// digitRun returns the digits that start at i, joined over single separators,
// and the index after the last one. A resident id may end in X.
func digitRun(runes []rune, i int) (digits string, end int) {
	var b strings.Builder
	gap := 0
	for j := i; j < len(runes); j++ {
		r := runes[j]
		switch d := digit(r); {
		case d >= 0:
			b.WriteByte(byte('0' + d))
			end, gap = j+1, 0
		case b.Len() == 0:
			return "", i
		case b.Len() == 17 && (r == 'x' || r == 'X') && gap == 0:
			return b.String() + "X", j + 1
		case invisible(r) && r != '\n':
		case (r == ' ' || r == '-' || r == '－' || r == '.' || r == '\u00a0' || r == '\n') && gap < 2:
			gap++
		default:
			return b.String(), end
		}
	}
	return b.String(), end
}

// classify says what a number is by its prefix, length and check digit, and,
// where those fit two kinds, by the word before it.
func classify(d string, before string) (Secret, bool) {
	keep := func(kind string, head, tail int) (Secret, bool) {
		return Secret{kind, d[:head] + strings.Repeat("*", len(d)-head-tail) + d[len(d)-tail:]}, true
	}
	country := strings.TrimPrefix(strings.TrimPrefix(d, "00"), "86")
	switch {
	case strings.Contains(before, "商户") || strings.Contains(before, "merchant") || strings.Contains(before, "终端"):
		if len(d) >= 8 && len(d) <= 15 {
			return keep(MerchantNo, 3, 3)
		}
	}
	switch {
	case len(d) == 18 && residentID(d):
		return keep(ResidentID, 3, 2)
	case isPaymentCode(d):
		return keep(PaymentCode, 2, 0)
	case len(d) >= 13 && len(d) <= 19 && cardPrefix(d) && luhn(d):
		return keep(Card, 0, 4)
	case mobile(country) && (len(d) == 11 || len(d) == 13 || len(d) == 15):
		return keep(Phone, len(d)-8, 2)
	case len(d) == 15 && (strings.HasPrefix(d, "8") || strings.HasPrefix(d, "10")):
		// UnionPay merchant numbers: 15 digits, institution and region first.
		return keep(MerchantNo, 3, 3)
	}
	return Secret{}, false
}

// isPaymentCode follows the wallets' documents: WeChat Pay 18 digits from 10
// to 15 (pay.weixin.qq.com, chapter 3.1.1), Alipay 16 to 24 digits from 25 to
// 30 (alipay.trade.pay, auth_code), UnionPay 19 digits from 62 that are no
// card number.
func isPaymentCode(d string) bool {
	if len(d) < 16 || strings.HasSuffix(d, "X") {
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

// contextBefore returns the few characters before i, in lower case.
func contextBefore(runes []rune, i int) string {
	return strings.ToLower(string(runes[max(0, i-12):i]))
}
