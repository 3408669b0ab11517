package config

import (
	"strconv"
	"strings"
)

// An Error is everything that is wrong with a configuration.
type Error struct {
	// Problems are at least one, each on one line: where it stands (a file with
	// its line, or an environment variable), the key, the value and what is
	// allowed.
	Problems []error
}

// Error returns the problems on one line, joined by "; ".
func (e *Error) Error() string {
	texts := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		texts[i] = problem.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the problems.
func (e *Error) Unwrap() []error { return e.Problems }

// maxShown is how many characters of what people wrote an error repeats.
const maxShown = 60

// quote returns text in quotes, on one line and not too long.
func quote(text string) string { return strconv.Quote(shorten(text)) }

// printable returns text on one line and not too long, in quotes only where
// it would not print as it is.
func printable(text string) string {
	text = shorten(text)
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

func shorten(text string) string {
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return text
}

// nearest returns the candidate with the fewest letters to change, add or drop
// to become name (Levenshtein distance), the first of those that tie.
func nearest(name string, candidates []string) string {
	best, least := "", -1
	for _, candidate := range candidates {
		if d := distance(shorten(name), candidate); least < 0 || d < least {
			best, least = candidate, d
		}
	}
	return best
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
