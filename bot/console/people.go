package console

import (
	"context"

	"tilldesk/bot/staff"
)

// names returns what staff are called, by id, also those who have left.
func (c *Console) names(ctx context.Context) (map[string]string, error) {
	all, err := c.opt.Accounts.All(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(all))
	for _, s := range all {
		names[string(s.ID)] = s.Name
	}
	return names, nil
}

// nameIn is the name of somebody, or the id of somebody who is not known.
func nameIn(names map[string]string, id string) string {
	if name, ok := names[id]; ok {
		return name
	}
	return id
}

// speaks says in which languages somebody answers.
func speaks(s staff.Staff) string {
	text := ""
	for _, lang := range s.Speaks {
		if text != "" {
			text += ", "
		}
		text += map[string]string{"zh": "中文", "en": "English"}[string(lang)]
	}
	return text
}
