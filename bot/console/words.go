package console

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tilldesk/content/source"
)

//go:embed words.json
var wordsJSON []byte

// catalogue has every text of the pages by key; {0}, {1} ... stand for values.
// Keys that begin with "js." are those of the script.
var catalogue = mustWords()

func mustWords() map[string]source.Text {
	var all map[string]source.Text
	if err := json.Unmarshal(wordsJSON, &all); err != nil {
		panic("console: words.json: " + err.Error())
	}
	return all
}

// say returns a text in a language with its values filled in.
func say(lang source.Lang, key string, values ...any) string {
	text := catalogue[key].In(lang)
	for i, v := range values {
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", fmt.Sprint(v))
	}
	return text
}

// sayOr returns the text of a key that is made from data, and otherwise if
// there is none: other versions may have stored what this one does not know.
func sayOr(lang source.Lang, key, otherwise string) string {
	if text, ok := catalogue[key]; ok {
		return text.In(lang)
	}
	return otherwise
}

// scriptWords returns the texts of the script in a language as JSON.
func scriptWords(lang source.Lang) string {
	texts := map[string]string{}
	for key, text := range catalogue {
		if name, ok := strings.CutPrefix(key, "js."); ok {
			texts[name] = text.In(lang)
		}
	}
	body, err := json.Marshal(texts)
	if err != nil {
		panic("console: encoding the texts: " + err.Error())
	}
	return string(body)
}

// since returns how long d is, to be read at a glance.
func since(lang source.Lang, d time.Duration) string {
	minutes := int(max(d, 0) / time.Minute)
	switch {
	case minutes < 60:
		return say(lang, "age.minutes", minutes)
	case minutes < 48*60:
		return say(lang, "age.hours", minutes/60)
	}
	return say(lang, "age.days", minutes/(24*60))
}

// span is since with the seconds of a short time.
func span(lang source.Lang, d time.Duration) string {
	if d < 2*time.Minute {
		return say(lang, "span.seconds", int(d/time.Second))
	}
	return since(lang, d)
}

// clock returns the time of day.
func clock(t time.Time, zone *time.Location) string { return t.In(zone).Format("15:04") }

// moment returns when something was or will be, as short as can be without
// doubt.
func moment(lang source.Lang, t, now time.Time, zone *time.Location) string {
	t, now = t.In(zone), now.In(zone)
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.Year() == now.Year() && lang == source.Zh:
		return t.Format("1月2日 15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// htmlLang is the value of the lang attribute.
func htmlLang(lang source.Lang) string {
	if lang == source.Zh {
		return "zh-CN"
	}
	return "en"
}
