package kb

import (
	"slices"
	"strings"
	"unicode"

	"github.com/blevesearch/bleve/v2/analysis"

	"tilldesk/content/source"
)

// plainWords is an analysis.TokenFilter that prepares English words for the
// stemmer: words that tell nothing are dropped, every negation becomes "not"
// and irregular forms become the word itself. Usual lists of stop words would
// drop "off", "out" and "not", too, which is all that tells "goes off" from "goes".
type plainWords struct{}

// Filter implements analysis.TokenFilter.
func (plainWords) Filter(in analysis.TokenStream) analysis.TokenStream {
	out := in[:0]
	for _, token := range in {
		word := string(token.Term)
		switch {
		case negative(word):
			token.Term = []byte("not")
		case regular[word] != "":
			token.Term = []byte(regular[word])
		default:
			word, _, _ = strings.Cut(word, "'") // it's, they've
			if idle[word] {
				continue
			}
			token.Term = []byte(word)
		}
		out = append(out, token)
	}
	return out
}

func negative(word string) bool {
	switch word {
	case "not", "cannot", "cant", "wont", "dont", "doesnt", "didnt", "isnt", "wasnt", "hasnt", "never":
		return true
	}
	return strings.HasSuffix(word, "n't")
}

// idle are the words that stand in questions about anything.
var idle = setOf(`a an the this that these those there here
	i me my mine myself you your yours he him his she her hers it its we us our ours they them their theirs
	am is are was were be been being do does did doing done have has had having
	will would shall should can could may might must ll ve re m s d
	of to in for and or but at by from as with about into so than then just also some such very
	please hi hello thanks`)

// idleWords returns the distinct idle words of a text, each marked as one, so
// that none is taken for a term. They find nothing, but "who" and "may I" ask
// for other passages of an article than "how" does. Chinese has none of its own:
// what is idle there is single characters.
func idleWords(lang source.Lang, text string) []string {
	if lang != source.En {
		return nil
	}
	var found []string
	for _, word := range strings.FieldsFunc(fold(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if word = idleMark + word; idle[word[len(idleMark):]] && !slices.Contains(found, word) {
			found = append(found, word)
		}
	}
	return found[:min(len(found), maxQueryTerms)]
}

const idleMark = "~"

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// regular is what irregular forms are forms of. Each line begins with the word.
var regular = formsOf(`
	begin began begun
	break broke broken
	bring brought
	buy bought
	catch caught
	choose chose chosen
	draw drew drawn
	drive drove driven
	eat ate eaten
	fall fell fallen
	feel felt
	find found
	forget forgot forgotten
	freeze froze frozen
	get got gotten
	give gave given
	go went gone goes
	grow grew grown
	hang hung
	hear heard
	hide hid hidden
	hold held
	keep kept
	know knew known
	lend lent
	leave left
	lose lost
	make made
	mean meant
	pay paid payed
	ring rang rung
	rise rose risen
	run ran
	say said
	see saw seen
	sell sold
	send sent
	shake shook shaken
	show shown
	sink sank sunk
	speak spoke spoken
	spend spent
	spill spilt
	steal stole stolen
	stick stuck
	swell swollen
	take took taken
	teach taught
	tear tore torn
	tell told
	think thought
	throw threw thrown
	type typed
	wake woke woken
	wear wore worn
	win won
	write wrote written
	child kid kids children
	person people`)

func formsOf(lines string) map[string]string {
	forms := map[string]string{}
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		for _, w := range words[min(1, len(words)):] {
			forms[w] = words[0]
		}
	}
	return forms
}
