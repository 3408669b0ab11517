package linear

// stem cuts the endings that English nouns and verbs take in a sentence. The
// stem is word[:n], with tail after it unless tail is 0. It errs on the side of
// leaving words alone: character n-grams match what it leaves apart.
func stem(word []rune) (n int, tail rune) {
	n = len(word)
	ends := func(suffix string) bool {
		if n < len(suffix) {
			return false
		}
		for i, r := range suffix {
			if word[n-len(suffix)+i] != r {
				return false
			}
		}
		return true
	}
	switch {
	case n > 4 && (ends("ies") || ends("ied")):
		return n - 3, 'y'
	case n > 4 && (ends("sses") || ends("ches") || ends("shes") || ends("xes")):
		n -= 2
	case n > 3 && ends("s") && !ends("ss") && !ends("us") && !ends("is"):
		n--
	}
	switch {
	case n > 5 && ends("ing"):
		n -= 3
	case n > 4 && (ends("ed") || ends("ly")):
		n -= 2
	}
	if n > 3 && word[n-1] == word[n-2] && !ends("ss") && !ends("ll") {
		n-- // stopped, stop
	}
	if n > 3 && ends("e") {
		n-- // charge, charging
	}
	return n, 0
}
