package wechat

import (
	"testing"
	"unicode/utf8"

	"tilldesk/bot"
)

// FuzzIncoming looks for a body that is let in although nobody can take it: the
// merchant would be told, three times over, that the account is out of order.
func FuzzIncoming(f *testing.F) {
	for _, seed := range []string{
		"<xml><ToUserName>gh_1</ToUserName><FromUserName>o-1</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>在吗</Content><MsgId>1</MsgId></xml>",
		"<xml><FromUserName>o-1</FromUserName><MsgType>image</MsgType><PicUrl>http://mmbiz.qpic.cn/x</PicUrl><MediaId>m</MediaId></xml>",
		"<xml><FromUserName>o-1</FromUserName><MsgType>voice</MsgType><MediaId>m</MediaId><Recognition>扫不了</Recognition></xml>",
		"<xml><FromUserName>o-1</FromUserName><MsgType>location</MsgType><Location_X>23.1</Location_X><Location_Y>113.3</Location_Y><Label>天河</Label></xml>",
		"<xml><FromUserName>o-1</FromUserName><MsgType>event</MsgType><Event>subscribe</Event><EventKey>qrscene_say:没网</EventKey></xml>",
		"<xml><FromUserName>o-1</FromUserName><MsgType>event</MsgType><Event>user_authorization_revoke</Event><OpenID>o-2</OpenID></xml>",
		"<xml><FromUserName>o-1</FromUserName><CreateTime>-9223372036854775808</CreateTime><MsgType>x</MsgType></xml>",
	} {
		f.Add([]byte(seed))
	}
	c := &Channel{}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := parse(body)
		if err != nil {
			return
		}
		in := newIncoming(fields)
		if in.check() != nil {
			return
		}
		m, speaks := c.inbound(in)
		if err := m.Check(); err != nil {
			t.Errorf("%q is let in: %v", body, err)
		}
		if in.kind != "event" && !speaks {
			t.Errorf("%q is a message that says nothing", body)
		}
		if in.created.Year() > 40_000 {
			t.Errorf("%q was written at %v", body, in.created)
		}
		for _, media := range m.Media {
			if len(media.Remote) > bot.MaxIDBytes || !utf8.ValidString(media.Remote) {
				t.Errorf("%q has the file %q", body, media.Remote)
			}
		}
	})
}
