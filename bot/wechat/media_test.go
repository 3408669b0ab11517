package wechat_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/photo"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// internet is the hosts of pictures, and the API for all else.
type internet struct {
	api *wechattest.API

	mu    sync.Mutex
	asked []string
	page  http.HandlerFunc
}

func (n *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "api.weixin.qq.com" {
		return n.api.RoundTrip(r)
	}
	n.mu.Lock()
	n.asked = append(n.asked, r.URL.Scheme+"://"+r.URL.Host)
	n.mu.Unlock()
	w := httptest.NewRecorder()
	n.page(w, r)
	return w.Result(), nil
}

func picture() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 20, 10))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// album is a shop that keeps pictures.
func album(t *testing.T, change func(*wechat.Options)) (*shop, *internet, *os.Root) {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	a := wechattest.Shop()
	n := &internet{api: wechattest.NewAPI(a), page: func(w http.ResponseWriter, _ *http.Request) { w.Write(picture()) }}
	s := open(t, a, func(o *wechat.Options) {
		o.Data, o.Network = root, n
		if change != nil {
			change(o)
		}
	})
	return s, n, root
}

// Pictures are fetched from WeChat's hosts and from no other, whatever a message
// says, and kept as fresh pictures.
func TestPictures(t *testing.T) {
	for _, tt := range []struct {
		url  string
		page http.HandlerFunc
		kept bool
		asks int
	}{
		{"http://mmbiz.qpic.cn/mmbiz_jpg/x/0?wx_fmt=jpeg", nil, true, 1},
		{"https://mmecoa.qpic.cn/x", nil, true, 1},
		{"https://qpic.cn.evil.test/x", nil, false, 0},
		{"https://evilqpic.cn/x", nil, false, 0},
		{"http://127.0.0.1:8080/desk/", nil, false, 0},
		{"http://[::1]/", nil, false, 0},
		{"http://169.254.169.254/latest/meta-data", nil, false, 0},
		{"http://mmbiz.qpic.cn:22/", nil, false, 0},
		{"http://user@mmbiz.qpic.cn/", nil, false, 0},
		{"file:///etc/passwd", nil, false, 0},
		{"gopher://mmbiz.qpic.cn/", nil, false, 0},
		{"://", nil, false, 0},
		{"", nil, false, 0},
		{"https://mmbiz.qpic.cn/x", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:8080/", http.StatusFound)
		}, false, 1},
		{"https://mmbiz.qpic.cn/x", func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("x"), 11<<20)) }, false, 1},
		{"https://mmbiz.qpic.cn/x", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<svg onload=alert(1)>")) }, false, 1},
		{"https://mmbiz.qpic.cn/x", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, false, 1},
	} {
		t.Run(tt.url, func(t *testing.T) {
			s, n, root := album(t, nil)
			if tt.page != nil {
				n.page = tt.page
			}
			s.said(t, s.Message(merchant, "image", "PicUrl", tt.url, "MediaId", "unknown"))
			got := s.messages()
			if len(got) != 1 || len(got[0].Media) != 1 || got[0].Media[0].Kind != "image" {
				t.Fatalf("taken: %+v", got)
			}
			m := got[0].Media[0]
			if (m.Path != "") != tt.kept {
				t.Fatalf("kept as %q\n%s", m.Path, s.log)
			}
			if len(n.asked) != tt.asks {
				t.Errorf("asked: %q", n.asked)
			}
			for _, host := range n.asked {
				if !strings.HasPrefix(host, "https://") || !strings.HasSuffix(host, ".qpic.cn") {
					t.Errorf("asked %s", host)
				}
			}
			if tt.kept {
				file, err := root.ReadFile(m.Path)
				if err != nil || !bytes.HasPrefix(file, []byte("\xff\xd8")) || int64(len(file)) != m.Bytes {
					t.Errorf("%d bytes, %v", len(file), err)
				}
				if strings.Contains(m.Path, merchant) {
					t.Errorf("the path %s names the merchant", m.Path)
				}
			}
		})
	}
}

// Where the address does not work, the API may; and when the merchant leaves,
// the pictures go as well.
func TestPictureByMediaID(t *testing.T) {
	s, n, root := album(t, nil)
	n.page = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	n.api.SetMedia("m1", picture())
	s.said(t, s.Message(merchant, "image", "PicUrl", "http://mmbiz.qpic.cn/x", "MediaId", "m1"))
	path := s.messages()[0].Media[0].Path
	if _, err := root.Stat(path); err != nil {
		t.Fatal(err)
	}
	s.said(t, s.Message(merchant, "event", "Event", "unsubscribe"))
	if _, err := root.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the picture of one who left: %v", err)
	}
}

// What cannot be had while WeChat waits is got later, by whatever process is there
// then, and kept with the message; what is no picture is not asked for again.
func TestPictureLater(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	n := &internet{page: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }}
	inTime(t, func(o *wechat.Options) { o.Data, o.Network = root, n }, func(w *world) {
		n.api = w.api
		kept := func() []bot.Media {
			w.Helper()
			c, _, err := w.db.ConversationOf(w.Context(), wechat.Name, merchant)
			if err != nil {
				w.Fatal(err)
			}
			entries, err := w.db.History(w.Context(), c.ID, 0, 100)
			if err != nil {
				w.Fatal(err)
			}
			var all []bot.Media
			for _, e := range entries {
				all = append(all, e.Media...)
			}
			return all
		}
		run := func(c *wechat.Channel, d time.Duration) {
			ctx, stop := context.WithCancel(context.Background())
			var running sync.WaitGroup
			running.Go(func() { c.Run(ctx) })
			time.Sleep(d)
			stop()
			running.Wait()
		}
		w.send(w.Message(merchant, "image", "PicUrl", "http://mmbiz.qpic.cn/x", "MediaId", "m1"), wechattest.ByMessage)
		w.send(w.Message(merchant, "voice", "MediaId", "v8", "MediaId16K", "v16"), wechattest.ByMessage)
		run(w.replicas[0], time.Minute)
		if all := kept(); len(all) != 2 || all[0].Path != "" || all[1].Path != "" {
			w.Fatalf("kept without a network: %+v", all)
		}
		asked := len(n.asked)
		if asked < 4 || asked > 6 {
			w.Errorf("asked %d times in a minute, want with longer and longer pauses", asked)
		}
		n.page = func(w http.ResponseWriter, _ *http.Request) { w.Write(picture()) }
		run(w.replicas[1], 5*time.Minute) // the first one was stopped, and this one has only the store
		all := kept()
		if all[0].Path == "" || all[0].Type != "image/jpeg" {
			w.Fatalf("kept: %+v\n%s", all, w.log)
		}
		file, err := root.ReadFile(all[0].Path)
		if err != nil || !bytes.HasPrefix(file, []byte("\xff\xd8")) || int64(len(file)) != all[0].Bytes {
			w.Errorf("%d bytes, %v", len(file), err)
		}
		asked = len(n.asked)
		n.page = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<svg/>")) }
		w.send(w.Message(merchant, "image", "PicUrl", "http://mmbiz.qpic.cn/y"), wechattest.ByMessage)
		run(w.replicas[0], time.Hour)
		w.want("times that it was asked for what is no picture", 1, len(n.asked)-asked)
	})
}

// ears is a recogniser.
type ears struct{}

func (ears) Recognise(_ context.Context, audio []byte, kind string) (string, error) {
	return string(audio) + " as " + kind, nil
}

func TestVoice(t *testing.T) {
	voice := func(more ...string) wechattest.Fields {
		return wechattest.Shop().Message(merchant, "voice", append([]string{"MediaId", "v8", "MediaId16K", "v16", "Format", "amr"}, more...)...)
	}
	listen := func(o *wechat.Options) { o.Recogniser = ears{} }
	for _, tt := range []struct {
		name    string
		change  func(*wechat.Options)
		media   map[string]string
		message wechattest.Fields
		text    string
		kept    bool
	}{
		{"recognised by WeChat", nil, nil, voice("Recognition", "扫不了码"), "扫不了码", false},
		{"recognised by WeChat, and not again", listen, map[string]string{"v16": "x"}, voice("Recognition", "扫不了码"), "扫不了码", true},
		{"recognised here", listen, map[string]string{"v16": "hello"}, voice(), "hello as audio/amr", true},
		{"of another phone", listen, map[string]string{"v8": "hello"}, voice(), "hello as audio/amr", true},
		{"not recognised", nil, map[string]string{"v16": "hello"}, voice(), "", true},
		{"lost", listen, nil, voice(), "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, n, _ := album(t, tt.change)
			for id, file := range tt.media {
				n.api.SetMedia(id, []byte(file))
			}
			s.said(t, tt.message)
			got := s.messages()[0]
			if got.Text != tt.text || got.Media[0].Kind != "voice" || (got.Media[0].Path != "") != tt.kept {
				t.Errorf("taken: %+v", got)
			}
		})
	}
}

// What is no text is taken as what it is.
func TestKinds(t *testing.T) {
	for _, tt := range []struct {
		kind  string
		more  []string
		media bot.Media
	}{
		{"text", []string{"Content", "【收到不支持的消息类型，暂无法显示】"}, bot.Media{Kind: "unsupported"}},
		{"video", []string{"MediaId", "v", "ThumbMediaId", "t"}, bot.Media{Kind: "video", Remote: "v"}},
		{"shortvideo", []string{"MediaId", "v"}, bot.Media{Kind: "video", Remote: "v"}},
		{"location", []string{"Location_X", "23.13", "Location_Y", "113.35", "Scale", "20", "Label", "天河"}, bot.Media{Kind: "location", Remote: "23.13,113.35 天河"}},
		{"link", []string{"Title", "t", "Url", "https://shop.test"}, bot.Media{Kind: "link", Remote: "https://shop.test"}},
		{"hologram", nil, bot.Media{Kind: "unsupported"}},
	} {
		s := open(t, wechattest.Shop(), nil)
		s.said(t, s.Message(merchant, tt.kind, tt.more...))
		if got := s.messages()[0]; got.Text != "" || len(got.Media) != 1 || got.Media[0] != tt.media {
			t.Errorf("%s: %+v", tt.kind, got)
		}
	}
}

// Staff's pictures are uploaded and sent, after their words.
func TestStaffPictures(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.Mkdir("photos", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := photo.Write(root, "photos/cable.jpg", picture()); err != nil {
		t.Fatal(err)
	}
	inTime(t, func(o *wechat.Options) { o.Data = root }, func(w *world) {
		w.say("怎么接")
		w.api.Next(wechattest.MediaUpload, 0, -1)
		w.tell("像这样接", bot.Media{Kind: "image", Path: "photos/cable.jpg"}, bot.Media{Kind: "image", Path: "photos/cable.jpg"})
		w.tell("好了告诉我")
		time.Sleep(time.Minute)
		var kinds []string
		for _, s := range w.api.Sent() {
			kinds = append(kinds, s.Kind)
		}
		w.want("sent", []string{"text", "image", "image", "text"}, kinds)
		w.want("deliveries", []bot.Delivery{bot.Sent, bot.Sent, bot.Sent}, w.deliveries())
		w.tell("", bot.Media{Kind: "image", Path: "photos/none.jpg"})
		time.Sleep(time.Minute)
		w.want("one that is not there", []bot.Delivery{bot.Sent, bot.Sent, bot.Sent, bot.Dead}, w.deliveries())
	})
}
