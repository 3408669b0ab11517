package wechat

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/content/source"
)

func found(ok bool, zh, en string) bot.Finding {
	return bot.Finding{OK: ok, Say: source.Text{Zh: zh, En: en}}
}

// Check asks WeChat, and the callback itself, whether all is set up, and says
// what to click. It changes nothing. callback is the public address of the
// callback, "" if it is not known.
func (c *Channel) Check(ctx context.Context, callback string) []bot.Finding {
	all := []bot.Finding{c.checkKey()}
	token, _, err := c.tokens.fetch(ctx)
	if err != nil {
		return append(all, tokenFinding(err), c.checkCallback(ctx, callback))
	}
	all = append(all, found(true, "AppID 和 AppSecret 正确，能取到 access_token。", "The app id and app secret are good: WeChat gives an access token."))
	all = append(all, c.checkCallback(ctx, callback), c.checkMessages(ctx, token), c.checkMenu(ctx, token))
	return all
}

func (c *Channel) checkKey() bot.Finding {
	if len(c.keys) == 0 {
		return found(false,
			"没有设置 wechat.aes_key，消息不加密，见过回调网址的人都能冒充商户。请在“微信开发者平台 → 消息与事件推送”生成 EncodingAESKey，选“安全模式”，再填到 wechat.aes_key。",
			"wechat.aes_key is not set: messages are not encrypted, and whoever sees a callback URL can write as any merchant. In the developer platform, under 消息与事件推送, make an EncodingAESKey, choose 安全模式 (safe mode), and set wechat.aes_key.")
	}
	return found(true, "已设置 EncodingAESKey，只收加密消息；后台的加密方式要选“安全模式”。", "There is an EncodingAESKey and only encrypted messages are taken; the mode in the settings must be 安全模式 (safe mode).")
}

// tokenFinding says why there is no token.
func tokenFinding(err error) bot.Finding {
	switch codeOf(err) {
	case 40164:
		ip := addressIn(err.Error())
		return found(false,
			"本机的出口 IP "+ip+" 不在白名单里。请到“微信开发者平台 → 基础信息 → IP白名单”，把 "+ip+" 加进去。",
			"Our address "+ip+" is not on the list of allowed ones. In the developer platform, under 基础信息, IP白名单, add "+ip+".")
	case 40013:
		return found(false, "AppID 不对。请到“微信开发者平台 → 基础信息”核对 wechat.app_id。", "There is no such app id. Compare wechat.app_id with 基础信息 in the developer platform.")
	case 40125, 40001:
		return found(false, "AppSecret 不对。请到“微信开发者平台 → 基础信息”重置，再填到 wechat.app_secret。", "The app secret is not the right one. Reset it under 基础信息 in the developer platform and set wechat.app_secret.")
	case 40243:
		return found(false, "AppSecret 被冻结了。请到“微信开发者平台 → 基础信息”解冻。", "The app secret is frozen. Unfreeze it under 基础信息 in the developer platform.")
	case 48004, 50002:
		return found(false, "公众号被限制了。请到公众号后台看“通知中心”的说明。", "The account is restricted. Look at the notices in the account's own pages.")
	case 0:
		return found(false,
			"连不上微信接口（wechat.api_url）："+err.Error()+"。请检查本机能不能访问外网。",
			"WeChat's API (wechat.api_url) cannot be reached: "+err.Error()+". Check that this machine reaches the internet.")
	}
	return found(false, "微信不给 access_token："+err.Error(), "WeChat gives no access token: "+err.Error())
}

// addressIn returns the address that WeChat names in an error.
func addressIn(text string) string {
	for word := range strings.FieldsSeq(text) {
		if ip, err := netip.ParseAddr(strings.Trim(word, ",;.")); err == nil {
			return ip.Unmap().String()
		}
	}
	return "?"
}

// probeMark begins the echo of our own verification, which is not WeChat's.
const probeMark = "tilldesk-"

// checkCallback asks the callback as WeChat does when it verifies it.
func (c *Channel) checkCallback(ctx context.Context, callback string) bot.Finding {
	if callback == "" {
		return found(false,
			"没有设置 http.public_url，不知道回调网址。设好以后，在“消息与事件推送”里填 公网地址/wechat/callback。",
			"http.public_url is not set, so the address of the callback is not known. Set it, and enter PUBLIC_URL/wechat/callback under 消息与事件推送.")
	}
	seen := c.verified(ctx)
	echo := probeMark + rand.Text()
	q := url.Values{"timestamp": {fmt.Sprint(c.opt.Now().Unix())}, "nonce": {rand.Text()}, "echostr": {echo}}
	q.Set("signature", signatureOf(c.opt.Token, q.Get("timestamp"), q.Get("nonce")))
	answer, err := c.ask(ctx, callback+"?"+q.Encode())
	switch {
	case err == nil && answer == echo && seen.IsZero():
		return found(true,
			"回调网址 "+callback+" 通了，微信还没来验证过。请在“消息与事件推送”里填：URL "+callback+"，Token 与 wechat.token 相同，然后点“启用”。",
			"The callback "+callback+" answers; WeChat has not verified it yet. Under 消息与事件推送 enter the URL "+callback+" and the token of wechat.token, and enable it.")
	case err == nil && answer == echo:
		day := seen.Format(time.DateOnly)
		return found(true, "回调网址 "+callback+" 通了，微信在 "+day+" 验证过。", "The callback "+callback+" answers; WeChat verified it on "+day+".")
	case err == nil:
		return found(false,
			"回调网址 "+callback+" 有别的程序应答，或者 wechat.token 与运行中的不同。请检查反向代理和配置。",
			"Something else answers at "+callback+", or the running service has another wechat.token. Check the proxy and the configuration.")
	}
	return found(false,
		"从这里打不开回调网址 "+callback+"："+err.Error()+"。请先启动服务，再检查域名、证书和反向代理；微信只认 80 和 443 端口。",
		"The callback "+callback+" cannot be reached from here: "+err.Error()+". Start the service, then check the domain, the certificate and the proxy; WeChat takes ports 80 and 443 only.")
}

// verified returns when WeChat verified the callback, the zero time if it has
// not, or if the store cannot say.
func (c *Channel) verified(ctx context.Context) time.Time {
	if c.store == nil {
		return time.Time{}
	}
	value, at, err := c.store.Fact(ctx, c.fact(factVerified))
	if err != nil || value == "" {
		return time.Time{}
	}
	return at
}

// ask gets a small page.
func (c *Channel) ask(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", withoutURL(err)
	}
	resp, err := c.pictures.Do(req)
	if err != nil {
		return "", withoutURL(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err == nil && resp.StatusCode >= http.StatusInternalServerError {
		err = statusError(resp.StatusCode)
	}
	return string(body), err
}

// checkMessages asks for something that needs the same right as customer-service
// messages.
func (c *Channel) checkMessages(ctx context.Context, token string) bot.Finding {
	err := c.get(ctx, "asking for the customer-service accounts", "/cgi-bin/customservice/getkflist", token, nil)
	code := codeOf(err)
	verified := c.opt.Account != Unverified
	switch {
	case code == 48001 && verified:
		return found(false,
			"这个公众号没有客服接口权限（48001）：没认证的号都没有。请把 wechat.account 设为 unverified，或者先做微信认证。",
			"This account has no right to the customer-service API (48001), as accounts that are not verified. Set wechat.account to unverified, or have the account verified (微信认证).")
	case code == 48001:
		return found(true,
			"没有客服接口权限，与 wechat.account 一致：来不及当场回的话，商户再发一句才能收到；人工的回复也一样。",
			"There is no right to the customer-service API, as wechat.account says: what is not ready at once, and what staff say, reaches the merchant with the next message.")
	case !verified:
		return found(false,
			"这个公众号有客服接口权限，但 wechat.account 是 unverified。改成 verified_service 或 verified_subscription，人工就能随时回复。",
			"This account has the right to the customer-service API, but wechat.account is unverified. Set verified_service or verified_subscription, and staff can answer at any time.")
	case err == nil || code == 65400:
		return found(true, "有客服接口权限：商户发言后 48 小时内最多能发 5 条。", "The customer-service API is granted: up to five messages within 48 hours of the merchant's.")
	}
	return found(false, "客服接口查不了："+err.Error(), "The customer-service API could not be asked: "+err.Error())
}

func (c *Channel) checkMenu(ctx context.Context, token string) bot.Finding {
	now, err := c.menuNow(ctx, token)
	switch {
	case codeOf(err) == 48001:
		return found(true, "这个公众号不能用接口设菜单。", "This account cannot have its menu made through the API.")
	case err != nil:
		return found(false, "菜单查不了："+err.Error(), "The menu could not be read: "+err.Error())
	case now == "":
		return found(true, "公众号还没有菜单。想要的话设 wechat.menu，再运行 tilldesk wechat menu。", "The account has no menu. If you want one, set wechat.menu and run `tilldesk wechat menu`.")
	}
	return found(true, "公众号现在的菜单："+now+"。", "The account's menu is: "+now+".")
}
