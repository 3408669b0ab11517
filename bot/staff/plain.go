package staff

import (
	"strings"
	"unicode"
)

// plainWords are what most guessed passwords of ten characters and more are
// made of: shorter ones cannot be chosen anyway.
var plainWords = strings.Fields(`
	password passw0rd p@ssw0rd p@ssword passwort motdepasse contrasena mima woaini iloveyou loveyou ilove welcome
	letmein login admin administrator root user guest test default changeme secret master superman batman pokemon
	football baseball basketball dragon monkey sunshine princess shadow michael jordan hello whatever trustno
	qwertyuiop qwerty asdfghjkl asdfgh zxcvbnm zxcvbn qazwsxedc qazwsx 1qaz2wsx 3edc4rfv 1q2w3e4r5t 1q2w3e4r 1q2w3e q1w2e3r4t5 q1w2e3r4
	abcdefghijklmnopqrstuvwxyz abcdefghij abcdef abc 1234567890 0123456789 123456789 987654321 9876543210 12345678 1234567 123456
	12345 1234 123 123123 123321 5201314 520 1314 147258369 741852963 159753 112233 123abc a123456 aa123456 666666 888888 000000
	tilldesk support merchant cashier kefu shouyin weixin wechat alipay zhifubao huabei baitiao telegram terminal
	spring summer autumn winter january monday sunday 2023 2024 2025 2026 2027 2028
`)

// plain reports whether a folded password is put together from words that
// everybody tries first, with fewer than four characters besides.
func plain(password string) bool {
	rest := password
	for _, word := range plainWords {
		rest = strings.ReplaceAll(rest, word, "")
	}
	left := 0
	for _, r := range rest {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			left++
		}
	}
	return left < 4
}
