package wechattest

import (
	"fmt"
	"net/http"
)

// SetOnline says which accounts are at the account's own desk; nobody is at
// first.
func (a *API) SetOnline(agents ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.online = agents
}

// listAgents lists accounts of the own desk (客服管理).
func (a *API) listAgents(w http.ResponseWriter, name string, agents []string) {
	if a.NoMessages {
		a.fail(w, NotGranted)
		return
	}
	list := []any{}
	for i, agent := range agents {
		list = append(list, map[string]any{"kf_account": agent, "status": 1, "kf_id": fmt.Sprint(1001 + i), "accepted_case": 0})
	}
	a.answer(w, map[string]any{name: list})
}
