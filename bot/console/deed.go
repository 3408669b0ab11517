package console

import (
	"strings"

	"tilldesk/content/source"
)

// detailOf says the details of an entry of the audit log in words: the parts that
// commas separate. What it does not know, of another version, it leaves as it is.
func detailOf(lang source.Lang, details string) string {
	parts := strings.Split(details, ", ")
	for i, part := range parts {
		parts[i] = sayOr(lang, "detail."+part, part)
	}
	return strings.Join(parts, map[source.Lang]string{source.Zh: "，", source.En: ", "}[lang])
}

// deedOf says in words what an entry of the audit log names: an action such as
// "signin", or the pattern of a route such as "POST /desk/case/{ticket}/take".
// What it does not know, of another version, it leaves as it is.
func deedOf(lang source.Lang, action string) string {
	name := action
	if _, path, ok := strings.Cut(action, " /desk/"); ok {
		var parts []string
		for part := range strings.SplitSeq(path, "/") {
			if part != "" && !strings.HasPrefix(part, "{") {
				parts = append(parts, part)
			}
		}
		name = strings.Join(parts, ".")
	}
	return sayOr(lang, "deed."+name, action)
}
