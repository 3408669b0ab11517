package botapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	tg "github.com/go-telegram/bot"
)

// MaxFile is how many bytes a file may have to be fetched.
const MaxFile = 20 << 20

// Fetch returns a file that was sent to the bot. The link to it holds the token
// and goes nowhere. One of more than max bytes is Rejected.
func (c *Client) Fetch(ctx context.Context, fileID string, max int64) ([]byte, error) {
	const method = "getFile"
	file, err := call(ctx, method, c.api.GetFile, &tg.GetFileParams{FileID: fileID})
	if err != nil {
		return nil, err
	}
	large := &Error{Method: method, Kind: Rejected, Text: fmt.Sprintf("the file has more than %d bytes", max)}
	if file.FileSize > max {
		return nil, large
	}
	if file.FilePath == "" || path.IsAbs(file.FilePath) || strings.Contains(file.FilePath, "..") || strings.ContainsAny(file.FilePath, "?#\\") {
		return nil, &Error{Method: method, Kind: Rejected, Text: "Telegram names no place to fetch the file from"}
	}
	ctx, a := traced(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/file/bot"+c.token+"/"+file.FilePath, nil)
	if err != nil {
		return nil, &Error{Method: method, Kind: Rejected, Text: "the place of the file is malformed"}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, explain("file", err, a)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		e := &Error{Method: "file", Kind: Unknown, Text: fmt.Sprintf("status %d", resp.StatusCode)}
		if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusForbidden {
			e.Kind = Rejected
		}
		return nil, e
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, max+1))
	switch {
	case err != nil:
		return nil, explain("file", err, &attempt{})
	case int64(len(body)) > max:
		return nil, large
	}
	return body, nil
}
