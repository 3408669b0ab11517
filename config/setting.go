package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
)

// A setting is one leaf of a struct of settings.
type setting struct {
	key     string // "log.level"
	allowed string
	live    bool // it can change while the service runs
	field   reflect.Value
}

type settings []setting

// settingsOf returns the leaves of a struct of settings, which are the fields
// that say what is allowed, in the order of the struct.
func settingsOf(section reflect.Value) settings {
	var all settings
	for field, value := range section.Fields() {
		key := field.Tag.Get("mapstructure")
		if allowed, leaf := field.Tag.Lookup("allowed"); leaf {
			all = append(all, setting{key, allowed, field.Tag.Get("live") == "yes", value})
			continue
		}
		for _, s := range settingsOf(value) {
			s.key = key + "." + s.key
			all = append(all, s)
		}
	}
	return all
}

// Changes returns the keys whose values differ, in the order of the struct:
// those that a running service can take over, and those that need a restart.
func Changes(before, after Config) (live, restart []string) {
	was, is := settingsOf(reflect.ValueOf(&before).Elem()), settingsOf(reflect.ValueOf(&after).Elem())
	for i, s := range is {
		switch {
		case s.same(was[i]):
		case s.live:
			live = append(live, s.key)
		default:
			restart = append(restart, s.key)
		}
	}
	return live, restart
}

// same reports whether both have the same value.
func (s setting) same(other setting) bool {
	if secret, ok := s.field.Interface().(Secret); ok {
		return secret.Equal(other.field.Interface().(Secret))
	}
	return reflect.DeepEqual(s.field.Interface(), other.field.Interface())
}

// fileSuffix makes, of the key of a secret, the key for the path of a file
// that holds it.
const fileSuffix = "_file"

// names returns every key that can be given.
func (all settings) names() []string {
	var names []string
	for _, s := range all {
		names = append(names, s.key)
		if s.secret() {
			names = append(names, s.key+fileSuffix)
		}
	}
	return names
}

// named returns the setting that name gives: its value or, if asFile, the path
// of the file that holds it.
func (all settings) named(name string) (s setting, asFile, ok bool) {
	for _, s := range all {
		asFile := s.secret() && name == s.key+fileSuffix
		if asFile || name == s.key {
			return s, asFile, true
		}
	}
	return setting{}, false, false
}

func (all settings) isSection(name string) bool {
	for _, s := range all {
		if strings.HasPrefix(s.key, name+".") {
			return true
		}
	}
	return false
}

func (s setting) secret() bool { return s.field.Type() == reflect.TypeFor[Secret]() }

// text reports whether the setting is made from any words as they are.
func (s setting) text() bool {
	_, ok := s.field.Addr().Interface().(encoding.TextUnmarshaler)
	return ok || s.field.Kind() == reflect.String
}

// rejection is the problem that value, found at origin, is not allowed.
func (s setting) rejection(origin string, value any) error {
	if origin != "" {
		origin += ": "
	}
	return fmt.Errorf("%s%s is %s, allowed: %s", origin, s.key, s.show(value), s.allowed)
}

// show returns value as an error may show it: on one line, not too long, and
// not at all if it is secret.
func (s setting) show(value any) string {
	switch text, isText := value.(string); {
	case value == nil:
		return "not set"
	case s.secret():
		return hidden
	case isText:
		return quote(text)
	default:
		return printable(fmt.Sprint(value))
	}
}

// A layer is what one place gives, by key.
type layer map[string]given

// given is one value and where it stands. The value is nil where viper reads
// it itself.
type given struct {
	origin string // "tilldesk.yaml:3" or "TILLDESK_LOG_LEVEL"
	value  any
}

// openSecrets puts the secrets that l gives as files in their place.
func (l layer) openSecrets(all settings) []error {
	var problems []error
	for _, s := range all {
		file, ok := l[s.key+fileSuffix]
		if !ok || !s.secret() {
			continue
		}
		delete(l, s.key+fileSuffix)
		if direct, twice := l[s.key]; twice {
			problems = append(problems, fmt.Errorf("%s: %s is given twice, here and at %s as a file, allowed: one of the two",
				direct.origin, s.key, file.origin))
			continue
		}
		path, _ := file.value.(string)
		text, err := readFile(path)
		if err != nil {
			// The path is not shown: it may be the secret, given under the wrong name.
			problems = append(problems, fmt.Errorf("%s: cannot read %s from the file named here: %w, allowed: the path of a file with the secret alone",
				file.origin, s.key, err))
			continue
		}
		l[s.key] = given{file.origin, strings.TrimRight(string(text), "\r\n")}
	}
	return problems
}
