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

	"github.com/silenceper/wechat/v2/officialaccount/menu"

	"tilldesk/bot"
	"tilldesk/content/source"
)

func found(ok bool, zh, en string) bot.Finding {
	return bot.Finding{OK: ok, Say: source.Text{Zh: zh, En: en}}
}

// Check asks WeChat, and the callback itself, whether all is set up, and says
// what to click. It changes nothing. callback is the public address of the
// callback, "" if it is not known; wanted are the buttons that the menu is to
// have, nil if none are configured.
func (c *Channel) Check(ctx context.Context, callback string, wanted []*menu.Button) []bot.Finding {
	all := []bot.Finding{c.checkKey()}
	token, _, err := c.tokens.fetch(ctx)
	if err != nil { // what needs a token is said once there is one
		return append(all, tokenFinding(err), c.checkCallback(ctx, callback))
	}
	all = append(all, found(true, "AppID 和 AppSecret 正确，能取到 access_token。", "The app id and app secret are good: WeChat gives an access token."))
	all = append(all, c.checkCallback(ctx, callback), c.checkMessages(ctx, token), c.checkMenu(ctx, token, labels(wanted)))
	if c.opt.Transfer {
		all = append(all, c.checkDesk(ctx, token))
	}
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
		if ip == "" {
			return found(false,
				"本机的出口 IP 不在白名单里，微信没说是哪个："+err.Error()+"。请到“微信开发者平台 → 基础信息 → IP白名单”，把本机的出口 IP 加进去。",
				"Our address is not on the list of allowed ones, and WeChat does not name it: "+err.Error()+". In the developer platform, under 基础信息, IP白名单, add the outgoing address of this machine.")
		}
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

// addressIn returns the address that WeChat names in an error, "" if it names
// none.
func addressIn(text string) string {
	for word := range strings.FieldsSeq(text) {
		if ip, err := netip.ParseAddr(strings.Trim(word, ",;.")); err == nil {
			return ip.Unmap().String()
		}
	}
	return ""
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
	status, answer, err := c.ask(ctx, callback+"?"+q.Encode())
	if err != nil {
		return found(false,
			"从这里打不开回调网址 "+callback+"："+err.Error()+"。请先启动服务，再检查域名、证书和反向代理；微信只认 80 和 443 端口。",
			"The callback "+callback+" cannot be reached from here: "+err.Error()+". Start the service, then check the domain, the certificate and the proxy; WeChat takes ports 80 and 443 only.")
	}
	switch {
	case status == http.StatusForbidden:
		return found(false,
			"服务在 "+callback+" 应答了，但不认 wechat.token：运行中的服务用的是另一个 wechat.token（改完配置要重启），或者两台机器的时间差了十分钟以上。",
			"A service answers at "+callback+", but does not take the token: the running one has another wechat.token (restart it after a change), or the clocks are more than ten minutes apart.")
	case status >= 300 && status < 400:
		return found(false,
			"回调网址 "+callback+" 会跳转到别处，微信不跟着跳。请把 http.public_url 改成跳转后的网址，一般是 https 开头。",
			"The callback "+callback+" redirects, which WeChat does not follow. Set http.public_url to where it leads, usually https.")
	case answer != echo:
		return found(false,
			fmt.Sprintf("回调网址 %s 有别的程序应答（状态 %d）。请检查反向代理：%s 要原样转给 tilldesk，问号后面的也要。", callback, status, pathOf(callback)),
			fmt.Sprintf("Something else answers at %s (status %d). Check the proxy: it must pass %s on to tilldesk, with all that follows the question mark.", callback, status, pathOf(callback)))
	case !outside(callback):
		return found(false,
			"回调网址 "+callback+" 只能从里面打开，微信打不开。http.public_url 要是公网上的域名，端口用 443（https）或 80。",
			"The callback "+callback+" answers here, but WeChat cannot reach it. http.public_url must be a public name, at port 443 (https) or 80.")
	case seen.IsZero():
		return found(true,
			"回调网址 "+callback+" 通了，微信还没来验证过。请在“消息与事件推送”里填：URL "+callback+"，Token 与 wechat.token 相同，然后点“启用”。",
			"The callback "+callback+" answers; WeChat has not verified it yet. Under 消息与事件推送 enter the URL "+callback+" and the token of wechat.token, and enable it.")
	}
	day := seen.Format(time.DateOnly)
	return found(true, "回调网址 "+callback+" 通了，微信在 "+day+" 验证过。", "The callback "+callback+" answers; WeChat verified it on "+day+".")
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Path
}

// outside reports whether WeChat can reach an address, as far as that can be
// told from it.
func outside(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Port() != "" && u.Port() != "80" && u.Port() != "443" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return strings.Contains(u.Hostname(), ".") // not localhost
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
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

// ask gets a small page. One that only a proxy can have made is an error.
func (c *Channel) ask(ctx context.Context, address string) (status int, page string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", withoutURL(err)
	}
	resp, err := c.pictures.Do(req)
	if err != nil {
		return 0, "", withoutURL(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err == nil && resp.StatusCode >= http.StatusInternalServerError {
		err = statusError(resp.StatusCode)
	}
	return resp.StatusCode, string(body), err
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

// checkMenu compares the account's menu with the labels that are wanted.
func (c *Channel) checkMenu(ctx context.Context, token, wanted string) bot.Finding {
	now, err := c.menuNow(ctx, token)
	switch {
	case codeOf(err) == 48001 && wanted != "":
		return found(false,
			"设了 wechat.menu，但这个公众号不能用接口设菜单（48001）：没认证的订阅号都不能。请去掉 wechat.menu。",
			"wechat.menu is set, but this account cannot have its menu made through the API (48001), as no subscription account that is not verified. Remove wechat.menu.")
	case codeOf(err) == 48001:
		return found(true, "这个公众号不能用接口设菜单。", "This account cannot have its menu made through the API.")
	case err != nil:
		return found(false, "菜单查不了："+err.Error(), "The menu could not be read: "+err.Error())
	case now == "" && wanted != "":
		return found(false, "公众号还没有菜单。请运行 tilldesk wechat menu，按 wechat.menu 建好。", "The account has no menu yet. Run `tilldesk wechat menu` to make that of wechat.menu.")
	case now == "":
		return found(true, "公众号还没有菜单。想要的话设 wechat.menu，再运行 tilldesk wechat menu。", "The account has no menu. If you want one, set wechat.menu and run `tilldesk wechat menu`.")
	case wanted != "" && now != wanted:
		return found(true,
			"公众号现在的菜单："+now+"，与 wechat.menu 不同。要换的话运行 tilldesk wechat menu --replace。",
			"The account's menu is: "+now+", which is not that of wechat.menu. To put ours in its place, run `tilldesk wechat menu --replace`.")
	}
	return found(true, "公众号现在的菜单："+now+"。", "The account's menu is: "+now+".")
}

// checkDesk asks who is at WeChat's own desk, to which messages are to be passed.
func (c *Channel) checkDesk(ctx context.Context, token string) bot.Finding {
	n, err := c.onlineWith(ctx, token)
	switch code := codeOf(err); {
	case code == 65400 || code == 48001:
		return found(false,
			"设了 wechat.transfer，但这个公众号没有开通微信客服。请到公众号后台“添加功能插件 → 客服”开通，或者把 wechat.transfer 设为 false，用这里的客服台。",
			"wechat.transfer is set, but WeChat's own desk is not enabled. Enable it in the account's pages under 添加功能插件, 客服, or set wechat.transfer to false and use the desk here.")
	case err != nil:
		return found(false, "微信客服查不了："+err.Error(), "WeChat's own desk could not be asked: "+err.Error())
	case n == 0:
		return found(true,
			"微信客服现在没人在线，转人工的消息会先留在这里的客服台。",
			"Nobody is at WeChat's own desk now; until somebody is, messages for a person stay with the desk here.")
	}
	return found(true,
		fmt.Sprintf("微信客服有 %d 人在线，转人工后的消息转给他们；之后聊的内容只在微信客服里看得到。", n),
		fmt.Sprintf("At WeChat's own desk there are %d people, who get the messages for a person; what is said then is seen only there.", n))
}
