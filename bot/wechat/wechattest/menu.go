package wechattest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// Menu returns the menu of the account as it was created; "" if there is none.
func (a *API) Menu() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.menu)
}

// SetMenu gives the account a menu.
func (a *API) SetMenu(menu string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.menu = json.RawMessage(menu)
}

type button struct {
	Type string   `json:"type"`
	Name string   `json:"name"`
	Key  string   `json:"key"`
	URL  string   `json:"url"`
	Sub  []button `json:"sub_button"`
}

func (a *API) createMenu(r *http.Request, body []byte) int {
	var in struct {
		Buttons []button `json:"button"`
	}
	if code := a.read(r, body, &in); code != 0 {
		return code
	}
	if n := len(in.Buttons); n < 1 || n > 3 {
		return 40017
	}
	for _, b := range in.Buttons {
		if code := checkButton(b, 16, 5); code != 0 {
			return code
		}
	}
	a.menu = slices.Clone(body)
	return 0
}

// checkButton checks the limits of a menu (创建自定义菜单).
func checkButton(b button, name, subs int) int {
	switch {
	case b.Name == "" || len(b.Name) > name:
		return 40018
	case len(b.Sub) > subs:
		return 40023
	case len(b.Sub) == 0 && b.Type != "click" && b.Type != "view":
		return 40016
	case len(b.Key) > 128 || b.Type == "click" && b.Key == "":
		return 40019
	}
	for _, sub := range b.Sub {
		if code := checkButton(sub, 60, 0); code != 0 {
			return code
		}
	}
	return 0
}
