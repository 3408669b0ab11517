package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"unicode/utf8"

	"github.com/spf13/viper"
)

// searched are the files tried, in this order, when none is named.
var searched = []string{"tilldesk.yaml", "/etc/tilldesk/tilldesk.yaml"}

// Files returns the files that Load looks at, in this order: path alone if it is
// not empty, as with Load.
func Files(path string) []string {
	if path != "" {
		return []string{path}
	}
	return slices.Clone(searched)
}

// Present returns the file that Load reads now, "" if there is none.
func Present(path string) string {
	for _, file := range Files(path) {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return file
		}
	}
	return ""
}

// maxFile bounds what is read as configuration: a wrong path (a video, a
// device) must not take the memory of the machine.
const maxFile = 1 << 20

// overlay writes what file, with its data, and then the environment give over
// the defaults in into, a pointer to a struct of settings. A key that validate
// rejects becomes a problem with its value and what is allowed.
func overlay(into any, file string, data []byte, env func(string) (string, bool), validate func(reject func(key string))) error {
	all := settingsOf(reflect.ValueOf(into).Elem())
	var problems []error
	inFile, errs := readDocument(file, data, all)
	problems = append(problems, errs...)
	inEnv, errs := readEnviron(env, all)
	problems = append(problems, errs...)

	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(data)); err != nil && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("%s: a value does not fit its YAML tag or alias, allowed: plain values, and texts in quotes", file))
	}
	origin := map[string]string{}
	for _, l := range []layer{inFile, inEnv} {
		problems = append(problems, l.openSecrets(all)...)
		for key, given := range l {
			origin[key] = given.origin
			if given.value != nil {
				v.Set(key, given.value)
			}
		}
	}

	reject := func(key string) {
		s, _, ok := all.named(key)
		if !ok {
			panic("config: validate names a setting that does not exist: " + key)
		}
		problems = append(problems, s.rejection(origin[key], v.Get(key)))
	}
	for _, s := range all {
		if origin[s.key] != "" && v.UnmarshalKey(s.key, s.field.Addr().Interface(), viper.DecodeHook(exactly)) != nil {
			reject(s.key)
		}
	}
	validate(reject)
	if len(problems) > 0 {
		return &Error{Problems: problems}
	}
	return nil
}

// exactly is a decode hook that refuses what would otherwise be bent to fit,
// such as 1.5 for a whole number, true for a text or 0 for a log level.
func exactly(from, to reflect.Value) (any, error) {
	if target, ok := reflect.New(to.Type()).Interface().(encoding.TextUnmarshaler); ok {
		text, ok := from.Interface().(string)
		if !ok {
			return nil, errors.New("not a text")
		}
		return target, target.UnmarshalText([]byte(text))
	}
	switch {
	case to.CanInt() && from.CanInt() && !to.OverflowInt(from.Int()):
	case to.CanFloat() && (from.CanInt() || from.CanFloat()):
	case to.Kind() == from.Kind() && !to.CanInt():
	default:
		return nil, fmt.Errorf("%s does not fit into %s", from.Type(), to.Type())
	}
	return from.Interface(), nil
}

// find returns the name and the bytes of the configuration file, or no name if
// none is asked for and none is there.
func find(path string) (file string, data []byte, err error) {
	if path != "" {
		if data, err = readFile(path); err != nil {
			return "", nil, fmt.Errorf("%s: cannot read the configuration file: %w, allowed: the path of a YAML file", printable(path), err)
		}
		return printable(path), data, nil
	}
	for _, path := range searched {
		data, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("%s: cannot read the configuration file: %w, make it readable or remove it", path, err)
		}
		return path, data, nil
	}
	return "", nil, nil
}

// readFile reads a file of at most maxFile bytes. Its errors leave the path to
// the caller.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, reason(err)
	case len(data) > maxFile:
		return nil, fmt.Errorf("it has more than %d bytes", maxFile)
	case len(bytes.TrimSpace(data)) == 0:
		return nil, errors.New("file is empty")
	case !utf8.Valid(data):
		return nil, errors.New("it is not UTF-8")
	}
	return data, nil
}

// reason is err without the path in it.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
