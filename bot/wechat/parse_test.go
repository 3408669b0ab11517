package wechat

import (
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	nested := func(depth int) string {
		return "<xml>" + strings.Repeat("<a>", depth) + strings.Repeat("</a>", depth) + "</xml>"
	}
	wide := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "<e%d/>", i)
		}
		return "<xml>" + b.String() + "</xml>"
	}
	for _, tt := range []struct {
		name, body string
		want       elements
		err        string
	}{
		{"text", "<xml><Content><![CDATA[a<b]]></Content><MsgId>1</MsgId></xml>", elements{"Content": "a<b", "MsgId": "1"}, ""},
		{"CDATA in pieces", "<xml><Content><![CDATA[a]]]]><![CDATA[>b]]>c</Content></xml>", elements{"Content": "a]]>bc"}, ""},
		{"declared and indented", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n <A> x </A>\n</xml>\n", elements{"A": " x "}, ""},
		{"with a byte order mark", "\uFEFF<xml><A>x</A></xml>", elements{"A": "x"}, ""},
		{"nested", "<xml><Scan><Result>1</Result><Result>2</Result></Scan></xml>", elements{"Scan.Result": "1", "Scan": ""}, ""},
		{"numbers that are none", "<xml><bizmsgmenuid>abc</bizmsgmenuid></xml>", elements{"bizmsgmenuid": "abc"}, ""},
		{"references", "<xml><A>&lt;&#x4F60;&amp;</A></xml>", elements{"A": "<你&"}, ""},
		{"twice", "<xml><A>1</A><A>2</A></xml>", nil, "twice"},
		{"another root", "<html></html>", nil, "root"},
		{"nothing", "", nil, "ends too early"},
		{"cut off", "<xml><A>1</A>", nil, "ends too early"},
		{"not closed in order", "<xml><A><B></A></B></xml>", nil, "in order"},
		{"two documents", "<xml></xml><xml></xml>", nil, "two documents"},
		{"text after it", "<xml></xml>hello", nil, "outside"},
		{"text before it", "hello<xml></xml>", nil, "outside"},
		{"a document type", `<!DOCTYPE xml [<!ENTITY a "b">]><xml><A>&a;</A></xml>`, nil, "document type"},
		{"an unknown entity", "<xml><A>&a;</A></xml>", nil, "syntax error in line 1"},
		{"an instruction", "<xml><?php x ?></xml>", nil, "instruction"},
		{"GBK", "<?xml version=\"1.0\" encoding=\"GBK\"?><xml/>", nil, "not UTF-8"},
		{"not UTF-8", "<xml><A>\xC4\xE3</A></xml>", nil, "syntax error"},
		{"32 levels", nested(31), nil, ""},
		{"33 levels", nested(32), nil, "levels"},
		{"64 elements", wide(63), nil, ""},
		{"65 elements", wide(64), nil, "elements"},
		{"200000 levels", nested(200_000), nil, "levels"},
		{"words do not get into the error", "<xml><A>secret</B></xml>", nil, "in order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse([]byte(tt.body))
			switch {
			case tt.err == "" && err != nil:
				t.Fatal(err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "secret")):
				t.Fatalf("got %v, %v; want an error with %q", got, err, tt.err)
			case tt.want != nil:
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

// FuzzParse looks for a body that breaks the bounds, and for one that is read
// in another way the second time.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><MsgId>1</MsgId></xml>", "<xml><A><B>1</B><B>2</B></A></xml>",
		`<!DOCTYPE x [<!ENTITY a "&b;&b;">]><xml>&a;</xml>`, "<?xml version=\"1.0\" encoding=\"GBK\"?><xml/>", "\uFEFF<xml/>",
		"<xml><![CDATA[]]]]><![CDATA[>]]></xml>", "<xml a='1' b='2'><c d='e'/></xml>", "<xml/><xml/>", "<xml>&#0;</xml>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parse(body)
		if err != nil {
			return
		}
		if len(got) > maxElements {
			t.Errorf("%d elements", len(got))
		}
		size := 0
		for _, v := range got {
			size += len(v)
		}
		if size > 3*len(body) { // invalid bytes become U+FFFD
			t.Errorf("%d bytes of text from %d", size, len(body))
		}
		again, err := parse(body)
		if err != nil || !maps.Equal(got, again) {
			t.Errorf("read again: %v\n%s", err, cmp.Diff(got, again))
		}
	})
}

// TestParseCost has the largest bodies that the door lets in, made to be costly:
// each may take 4 MB of memory at most (I1 of the trials).
func TestParseCost(t *testing.T) {
	fill := func(begin, piece, end string) string {
		return begin + strings.Repeat(piece, (maxBody-len(begin)-len(end))/len(piece)) + end
	}
	for name, body := range map[string]string{
		"attributes":          fill("<xml ", "a='' ", "></xml>"),
		"attributes unclosed": fill("<xml ", "a='' ", ""),
		"depth":               fill("", "<xml>", ""),
		"elements":            fill("<xml>", "<a/>", "</xml>"),
		"names":               fill("<", "x", "/>"),
		"text":                fill("<xml><Content>", "花", "</Content></xml>"),
		"pieces of CDATA":     fill("<xml><Content>", "<![CDATA[x]]>", "</Content></xml>"),
		"entities":            fill("<xml><Content>", "&lt;", "</Content></xml>"),
		"unknown entities":    fill("<xml><Content>", "&l;", "</Content></xml>"),
		"comments":            fill("<xml>", "<!---->", "</xml>"),
		"instructions":        fill("<xml>", "<?a?>", "</xml>"),
		"a document type":     fill("<!DOCTYPE xml [", "<!ENTITY a 'b'>", "]><xml/>"),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := parse([]byte(body))
			runtime.ReadMemStats(&after)
			took := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes took %d KB: %v", len(body), took>>10, err)
			if took > 4<<20 {
				t.Errorf("%d bytes took %d KB of memory, want 4096 at most", len(body), took>>10)
			}
		})
	}
}
