package botapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A Poll asks for updates.
type Poll struct {
	Offset  int64         // the first update id wanted; confirms all before it. 0: whatever waits
	Wait    time.Duration // for an update to come, in whole seconds; Telegram waits 50 s at most
	Limit   int           // 1 to 100
	Allowed []string      // kinds of update; the list is kept by Telegram until another is given
}

// slack is how much longer than the wait an answer may take.
const slack = 15 * time.Second

// GetUpdates fetches updates, each as it came: one that cannot be read is the
// concern of who reads it. It fails with an [*Error].
func (c *Client) GetUpdates(ctx context.Context, p Poll) ([]json.RawMessage, error) {
	const method = "getUpdates"
	ctx, cancel := context.WithTimeout(ctx, p.Wait+slack)
	defer cancel()
	body, err := json.Marshal(struct {
		Offset  int64    `json:"offset,omitempty"`
		Timeout int      `json:"timeout,omitempty"`
		Limit   int      `json:"limit"`
		Allowed []string `json:"allowed_updates"`
	}{p.Offset, int(p.Wait / time.Second), p.Limit, p.Allowed})
	if err != nil {
		return nil, &Error{Method: method, Kind: Rejected, Text: "the request cannot be written"}
	}
	ctx, a := traced(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/bot"+c.token+"/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Method: method, Kind: NotSent, Text: "the address of the Bot API is malformed"}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, explain(method, err, a)
	}
	defer resp.Body.Close()
	var answer struct {
		OK          bool              `json:"ok"`
		Result      []json.RawMessage `json:"result"`
		Code        int               `json:"error_code"`
		Description string            `json:"description"`
		Parameters  struct {
			RetryAfter int `json:"retry_after"`
		} `json:"parameters"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxUpdates)).Decode(&answer)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || err == nil && answer.Code == http.StatusTooManyRequests:
		wait := answer.Parameters.RetryAfter
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); wait == 0 && err == nil {
			wait = n
		}
		after := max(defaultFlood, time.Duration(wait)*time.Second)
		return nil, &Error{Method: method, Kind: Flood, After: after, Text: fmt.Sprintf("too many requests, again after %v", after)}
	case err != nil:
		return nil, &Error{Method: method, Kind: Unknown, Text: fmt.Sprintf("the answer, status %d, cannot be read", resp.StatusCode)}
	case !answer.OK:
		e := &Error{Method: method}
		e.refused(answer.Code, answer.Description)
		if answer.Code >= http.StatusInternalServerError {
			e.Kind = Unknown
		}
		return nil, e
	}
	return answer.Result, nil
}
