package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const envPrefix = "TILLDESK_"

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// readEnviron finds the settings that the environment gives, and the variables
// with our prefix that are no setting.
//
// A lookup cannot list its names, so the names of unknown variables come from
// the process; they count only if env has them too.
func readEnviron(env func(string) (string, bool), all settings) (layer, []error) {
	found := layer{}
	known := map[string]bool{}
	var names []string
	for _, key := range all.names() {
		name := envName(key)
		known[name] = true
		names = append(names, name)
		text, _ := env(name)
		if text == "" {
			continue
		}
		found[key] = given{name, all.parse(key, text)}
	}

	var problems []error
	environ := os.Environ()
	slices.Sort(environ)
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || known[name] {
			continue
		}
		if text, _ := env(name); text == "" || serviceLink.MatchString(name+"="+text) {
			continue
		}
		problems = append(problems, fmt.Errorf("%s: unknown environment variable, the nearest known one is %s", printable(name), nearest(name, names)))
	}
	return found, problems
}

// parse reads the text of a variable as the same words would be read in a
// file, but for texts, which need no quotes.
func (all settings) parse(key, text string) any {
	s, asFile, _ := all.named(key)
	var value any
	if asFile || s.text() || yaml.Unmarshal([]byte(text), &value) != nil || value == nil {
		return text
	}
	return value
}

// serviceLink matches what Kubernetes and Docker put into the environment of
// containers next to a service that is called tilldesk or tilldesk-something.
var serviceLink = regexp.MustCompile(`^TILLDESK_(\w+_)?(SERVICE_HOST=|SERVICE_PORT(_\w+)?=|` +
	`PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=|PORT=(tcp|udp|sctp)://)`)
