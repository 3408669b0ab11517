package staffgroup

import (
	"context"
	"errors"
	"time"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"tilldesk/bot/telegram/botapi"
)

// A word is an answer to staff, or an explanation. It is soon of no use, and
// not stored.
type word struct {
	thread int // 0: General
	to     int // the message that it answers, 0: none
	text   string
	at     time.Time
}

// tell says something in the group soon. It does not block.
func (g *Group) tell(thread, to int, text string) {
	select {
	case g.words <- word{thread, to, text, g.opt.Now()}:
	default:
		g.log.Warn("too much to say in the staff group; left out")
	}
}

const wordTries = 3

// speak says what is to be told, before all else that is written.
func (g *Group) speak(ctx context.Context) {
	for {
		select {
		case w := <-g.words:
			for try := 0; try < wordTries; try++ {
				err := g.spend(ctx, func(ctx context.Context) error {
					p := &tg.SendMessageParams{ChatID: g.chat.Load(), MessageThreadID: w.thread, Text: botapi.Split(w.text, botapi.MaxText)[0]}
					if w.to != 0 {
						p.ReplyParameters = &models.ReplyParameters{MessageID: w.to, AllowSendingWithoutReply: true}
					}
					_, err := g.api.SendMessage(ctx, p)
					return err
				})
				if err == nil || ctx.Err() != nil {
					break
				}
				g.log.Warn("staff could not be told something", "error", err)
				if e := new(botapi.Error); errors.As(err, &e) && e.Kind == botapi.Flood {
					g.flooded(ctx, e.After)
				}
				if kind := botapi.KindOf(err); kind != botapi.Flood && kind != botapi.NotSent && kind != botapi.Unknown || !sleep(ctx, failPause) {
					break
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

// menu sets the commands of the group.
func (g *Group) menu(ctx context.Context) {
	var commands []models.BotCommand
	for _, name := range []string{"take", "resolve", "note", "assign", "putback", "release", "lang", "block", "unblock", "open", "help"} {
		commands = append(commands, models.BotCommand{Command: name, Description: g.say("menu." + name)})
	}
	for {
		call, cancel := context.WithTimeout(ctx, callTime)
		err := g.api.SetMyCommands(call, &tg.SetMyCommandsParams{Commands: commands, Scope: &models.BotCommandScopeChat{ChatID: g.chat.Load()}})
		cancel()
		kind := botapi.KindOf(err)
		if err == nil || kind != botapi.Flood && kind != botapi.NotSent && kind != botapi.Unknown {
			if err != nil && ctx.Err() == nil {
				g.log.Warn("the menu of the staff group could not be set", "error", err)
			}
			return
		}
		if !sleep(ctx, lostPause) {
			return
		}
	}
}
