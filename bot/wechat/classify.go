package wechat

import (
	"errors"
	"time"

	"tilldesk/bot"
)

// pauseFor is how long the API is left alone after it refused the account
// itself, and not one message.
const pauseFor = time.Minute

// mayCall says why the API is left alone now, if it is.
func (c *Channel) mayCall() error {
	left := time.UnixMilli(c.paused.Load()).Sub(c.opt.Now())
	if left <= 0 {
		return nil
	}
	return &bot.RetryError{After: left, Err: errors.New("WeChat refuses this account; it is tried again soon")}
}

// pause leaves the API alone for a while and says why, for whoever can mend it.
func (c *Channel) pause(d time.Duration, say string, err error) {
	c.paused.Store(c.opt.Now().Add(d).UnixMilli())
	c.opt.Log.Error("WeChat refuses this account: "+say, "pause", d, "error", err)
}

// classify makes of the error of a call what the outbox understands. An error
// code means that nothing was delivered (全局返回码).
func (c *Channel) classify(err error) error {
	var unsent unsentError
	var refused refusedError
	code := codeOf(err)
	again := func(d time.Duration) error { return &bot.RetryError{After: d, Err: err, Reached: true} }
	switch code {
	case 0:
		if errors.As(err, &refused) {
			return err
		}
		if errors.As(err, &unsent) {
			return &bot.RetryError{Err: err}
		}
		return err // who knows
	case -1: // busy
		return &bot.RetryError{Err: err}
	case 40001, 40014, 42001, 40013, 40125, 40243, 40164:
		c.pause(pauseFor, remedy(code), err)
		return &bot.RetryError{After: pauseFor, Err: err, Reached: true}
	case 48004, 50002:
		c.pause(time.Hour, remedy(code), err)
		return &bot.RetryError{After: time.Hour, Err: err, Reached: true}
	case 40003, 43004, 43019, 48002:
		return errors.Join(bot.ErrUnreachable, err)
	case 45009:
		d := untilTomorrow(c.opt.Now())
		c.pause(d, remedy(code), err)
		return again(d)
	case 45011:
		return again(5 * time.Second)
	case 45015, 45047:
		return &bot.RetryError{After: waitsFor, Err: errors.Join(waitError{remedy(code)}, err), Reached: true}
	case 48001, 40200: // 40200 of a text: an account that may send no texts
		c.refusedAPI()
		return &bot.RetryError{After: waitsFor, Err: errors.Join(waitError{remedy(code)}, err), Reached: true}
	}
	return refusedError{err} // of no code that may change by itself
}

// untilTomorrow is the time to the next day in Beijing, when WeChat counts its
// calls anew.
func untilTomorrow(now time.Time) time.Duration {
	beijing := now.In(time.FixedZone("Asia/Shanghai", 8*60*60))
	y, m, d := beijing.Date()
	return time.Date(y, m, d+1, 0, 1, 0, 0, beijing.Location()).Sub(now)
}

// remedy says what a code means, and what to do about it.
func remedy(code int64) string {
	switch code {
	case 40001, 40014, 42001:
		return "it does not take the access token that it gave out; is the app secret still the right one?"
	case 40013:
		return "there is no such app id; check wechat.app_id"
	case 40125:
		return "the app secret is not the right one; check wechat.app_secret"
	case 40243:
		return "the app secret is frozen; unfreeze it in the account's settings"
	case 40164:
		return "our address is not on the account's list of allowed ones (IP白名单); the error names it"
	case 45009:
		return "the calls of today are used up; it goes on tomorrow"
	case 45015:
		return "the time in which WeChat lets us write is over"
	case 45047:
		return "the messages that WeChat grants are used up"
	case 48001, 40200:
		return "the account has no right to this"
	case 48004, 50002:
		return "it is restricted; look at the notices in the account"
	}
	return ""
}
