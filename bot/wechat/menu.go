package wechat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/silenceper/wechat/v2/officialaccount/menu"
)

// Bounds of a menu (创建自定义菜单).
const (
	maxButtons   = 3
	maxOfGroup   = 5
	maxTopLabel  = 16 // bytes
	maxSubLabel  = 60
	maxButtonKey = 128
)

// ParseMenu reads a menu as the configuration has it: buttons with commas
// between, each LABEL=WHAT IT SAYS, or GROUP/LABEL=WHAT IT SAYS for one of a
// group.
func ParseMenu(text string) ([]*menu.Button, error) {
	var buttons []*menu.Button
	groups := map[string]*menu.Button{}
	for item := range strings.SplitSeq(strings.ReplaceAll(text, "，", ","), ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		label, said, ok := strings.Cut(item, "=")
		group, sub, grouped := strings.Cut(label, "/")
		label, sub, said = strings.TrimSpace(group), strings.TrimSpace(sub), strings.TrimSpace(said)
		limit := maxTopLabel
		button := new(menu.Button)
		name := label
		if grouped {
			limit, name = maxSubLabel, sub
		}
		switch {
		case !ok || said == "" || name == "" || label == "":
			return nil, fmt.Errorf("%q is not LABEL=WHAT IT SAYS or GROUP/LABEL=WHAT IT SAYS", strings.TrimSpace(item))
		case len(label) > maxTopLabel || len(name) > limit:
			return nil, fmt.Errorf("the label %q is too long: %d bytes at most, which are %d Chinese characters", name, limit, limit/3)
		case len(SayKey+said) > maxButtonKey || !utf8.ValidString(said):
			return nil, fmt.Errorf("what %q says is too long: %d bytes at most", name, maxButtonKey-len(SayKey))
		}
		button.SetClickButton(name, SayKey+said)
		if !grouped {
			buttons = append(buttons, button)
			continue
		}
		top := groups[label]
		if top == nil {
			top = new(menu.Button).SetSubButton(label, nil)
			groups[label] = top
			buttons = append(buttons, top)
		}
		if top.SubButtons = append(top.SubButtons, button); len(top.SubButtons) > maxOfGroup {
			return nil, fmt.Errorf("the group %q has more than %d buttons", label, maxOfGroup)
		}
	}
	if len(buttons) > maxButtons {
		return nil, fmt.Errorf("there are more than %d buttons; put some into a group", maxButtons)
	}
	return buttons, nil
}

// noMenu is the code that there is none.
const noMenu = 46003

// Menu returns the labels of the account's menu as it is now, those of groups
// in brackets; "" if there is none. Asking changes nothing.
func (c *Channel) Menu(ctx context.Context) (string, error) {
	token, _, err := c.tokens.fetch(ctx)
	if err != nil {
		return "", err
	}
	return c.menuNow(ctx, token)
}

func (c *Channel) menuNow(ctx context.Context, token string) (string, error) {
	var answer struct {
		Menu struct {
			Button []*menu.Button `json:"button"`
		} `json:"menu"`
	}
	err := c.get(ctx, "reading the menu", "/cgi-bin/menu/get", token, &answer)
	if codeOf(err) == noMenu {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return labels(answer.Menu.Button), nil
}

func labels(buttons []*menu.Button) string {
	var all []string
	for _, b := range buttons {
		label := oneLine(b.Name)
		if len(b.SubButtons) > 0 {
			label += " (" + labels(b.SubButtons) + ")"
		}
		all = append(all, label)
	}
	return strings.Join(all, ", ")
}

// ErrMenuThere says that the account has a menu already.
var ErrMenuThere = errors.New("the account has a menu already")

// SetMenu makes the account's menu. It fails with ErrMenuThere, and changes
// nothing, if there is one already that is not to be replaced: the merchant may
// have made it by hand.
func (c *Channel) SetMenu(ctx context.Context, buttons []*menu.Button, replace bool) error {
	token, _, err := c.tokens.fetch(ctx)
	if err != nil {
		return err
	}
	if !replace {
		now, err := c.menuNow(ctx, token)
		if err != nil {
			return err
		}
		if now != "" {
			return fmt.Errorf("%w: %s", ErrMenuThere, now)
		}
	}
	body := struct {
		Button []*menu.Button `json:"button"`
	}{buttons}
	return c.post(ctx, "making the menu", "/cgi-bin/menu/create", token, body, nil)
}
