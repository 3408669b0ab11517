package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"tilldesk/bot/web"
)

// talkRaw sends what write writes over a connection of its own and returns the
// status of the answer, 0 if there is none, and how much was taken.
func talkRaw(t *testing.T, s *service, write func(io.Writer) error) (status int, taken int64) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	counted := &counting{w: conn}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_ = write(counted) // the service may hang up at any time
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		status = resp.StatusCode
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	conn.Close()
	<-sent
	return status, counted.n
}

type counting struct {
	w io.Writer
	n int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// TestBodies sends bodies that have no end, or another one than they say. What
// is too large is refused before it is read; no request takes memory with it.
func TestBodies(t *testing.T) {
	s := start(t, web.Options{})
	good := `{"conversation":"` + talk(1) + `","message_id":"m","text":"你好"}`
	const head = "POST /api/chat HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
	endless := func(path string) func(io.Writer) error {
		return func(w io.Writer) error {
			if _, err := io.WriteString(w, "POST "+path+" HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
				return err
			}
			chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<15, strings.Repeat(" ", 1<<15))
			for { // until the service hangs up
				if _, err := io.WriteString(w, chunk); err != nil {
					return err
				}
			}
		}
	}
	plain := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	most := int64(0)
	const kernel = 8 << 20 // what buffers on the way may hold
	for _, tt := range []struct {
		name  string
		write func(io.Writer) error
		want  []int
		most  int64 // bytes taken
	}{
		{"as it should be", plain(head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(good), good)), []int{200}, kernel},
		{"chunks without end", endless("/api/chat"), []int{413}, kernel},
		{"a photo without end", endless("/api/photo?conversation=" + talk(1) + "&message_id=p"), []int{413}, 10<<20 + kernel},
		{"a terabyte is announced", plain(head + "Content-Length: 1000000000000\r\n\r\n" + strings.Repeat(" ", 1<<17)), []int{413}, kernel},
		{"less is announced than comes", plain(head + "Content-Length: 10\r\n\r\n" + good), []int{400}, kernel},
		{"lengths that differ", plain(head + fmt.Sprintf("Content-Length: %d\r\nContent-Length: 5\r\n\r\n%s", len(good), good)), []int{400}, kernel},
		{"both a length and chunks", plain(head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(good), good)), []int{200, 400}, kernel},
		{"a length below nothing", plain(head + "Content-Length: -5\r\n\r\n" + good), []int{400}, kernel},
		{"a chunk of a length that is none", plain(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + good), []int{400}, kernel},
		{"another encoding", plain(head + "Transfer-Encoding: gzip\r\n\r\n" + good), []int{501, 400}, kernel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			status, taken := talkRaw(t, s, tt.write)
			runtime.GC()
			runtime.ReadMemStats(&after)
			ok := false
			for _, want := range tt.want {
				ok = ok || status == want
			}
			if !ok || taken > tt.most {
				t.Errorf("status %d after %d bytes, want %v after %d at most", status, taken, tt.want, tt.most)
			}
			more := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			if more > 2<<20 {
				t.Errorf("%d bytes of memory stay behind", more)
			}
			most = max(most, more)
			t.Logf("status %d after %d bytes", status, taken)
		})
	}
	t.Logf("%d bytes stayed in memory after a request at most", most)
	// The service goes on.
	if status, _ := talkRaw(t, s, plain(head+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(good), good))); status != 200 {
		t.Errorf("status %d", status)
	}
}
