package telegram

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/telegram/botapi"
)

// settle is how long to wait for the other pictures of an album: they arrive
// apart, and nothing says how many there are.
const settle = 1500 * time.Millisecond

func address(chat int64) bot.Address {
	return bot.Address{Channel: Name, Remote: strconv.FormatInt(chat, 10)}
}

// remoteMessage names a message within its chat, and each new text of it.
func remoteMessage(m *models.Message, edited bool) bot.RemoteID {
	if edited {
		return bot.RemoteID(fmt.Sprintf("e:%d:%d", m.ID, m.EditDate))
	}
	return bot.RemoteID(fmt.Sprintf("m:%d", m.ID))
}

// inbound makes a message of a merchant of one of Telegram. It reports false
// for what nobody wrote: that a message was pinned, or a timer set.
func inbound(m *models.Message, raw json.RawMessage, edited bool) (bot.Inbound, bool) {
	l := localeOf(m.From.LanguageCode)
	in := bot.Inbound{
		Address: address(m.Chat.ID), Remote: remoteMessage(m, edited),
		Text: cmp.Or(m.Text, m.Caption), Media: media(m),
		Lang: l.lang, Traditional: l.traditional,
	}
	if at := max(m.Date, m.EditDate); at > 0 {
		in.At = time.Unix(int64(at), 0)
	}
	if m.MediaGroupID != "" {
		in.Settle = settle
	}
	if m.Sticker != nil && in.Text == "" {
		in.Text = m.Sticker.Emoji // a thumb up answers a question
	}
	if in.Text == "" && len(in.Media) == 0 {
		if isService(raw) {
			return in, false
		}
		// Of a kind that is not known here. That it came is said and shown.
		in.Media = []bot.Media{{Kind: "unknown"}}
	}
	return in, true
}

// media returns the files that came with a message, and what is not a file but
// must not be lost either.
func media(m *models.Message) []bot.Media {
	file := func(kind, mime, id string, bytes int64) []bot.Media {
		return []bot.Media{{Kind: kind, Type: mime, Remote: id, Bytes: max(0, bytes)}}
	}
	switch {
	case len(m.Photo) > 0:
		best := m.Photo[0]
		for _, p := range m.Photo[1:] {
			if p.Width*p.Height > best.Width*best.Height && int64(p.FileSize) <= botapi.MaxFile {
				best = p
			}
		}
		return file("image", "image/jpeg", best.FileID, int64(best.FileSize))
	case m.Voice != nil:
		return file("voice", cmp.Or(m.Voice.MimeType, "audio/ogg"), m.Voice.FileID, m.Voice.FileSize)
	case m.VideoNote != nil:
		return file("video", "video/mp4", m.VideoNote.FileID, int64(m.VideoNote.FileSize))
	case m.Animation != nil: // comes with a document of the same file
		return file("video", cmp.Or(m.Animation.MimeType, "video/mp4"), m.Animation.FileID, m.Animation.FileSize)
	case m.Video != nil:
		return file("video", cmp.Or(m.Video.MimeType, "video/mp4"), m.Video.FileID, m.Video.FileSize)
	case m.Audio != nil:
		return file("file", m.Audio.MimeType, m.Audio.FileID, m.Audio.FileSize)
	case m.Document != nil:
		kind := "file"
		if strings.HasPrefix(m.Document.MimeType, "image/") {
			kind = "image"
		}
		return file(kind, m.Document.MimeType, m.Document.FileID, m.Document.FileSize)
	case m.Sticker != nil:
		return file("sticker", "", m.Sticker.FileID, int64(m.Sticker.FileSize))
	case m.Venue != nil:
		return place(m.Venue.Location)
	case m.Location != nil:
		return place(*m.Location)
	case m.Contact != nil:
		return []bot.Media{{Kind: "contact"}} // whose number it is stays in the chat
	}
	return nil
}

// place is a location as a geo URI (RFC 5870), as precise as a street.
func place(l models.Location) []bot.Media {
	return []bot.Media{{Kind: "location", Type: "text/uri-list", Remote: fmt.Sprintf("geo:%.4f,%.4f", l.Latitude, l.Longitude)}}
}

// envelope are the keys of a message that say where it comes from and how it
// looks, and not what it is. The kinds of service message come after them.
var envelope = keys(`message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot
	sender_tag date business_connection_id chat forward_origin is_topic_message is_automatic_forward reply_to_message external_reply quote
	reply_to_story reply_to_checklist_task_id via_bot edit_date has_protected_content is_from_offline is_paid_post author_signature
	paid_star_count link_preview_options suggested_post_info effect_id reply_markup show_caption_above_media has_media_spoiler`)

var service = keys(`new_chat_members left_chat_member new_chat_title new_chat_photo delete_chat_photo group_chat_created supergroup_chat_created
	channel_chat_created message_auto_delete_timer_changed migrate_to_chat_id migrate_from_chat_id pinned_message invoice successful_payment
	refunded_payment users_shared chat_shared gift unique_gift gift_upgrade_sent connected_website write_access_allowed passport_data
	proximity_alert_triggered boost_added chat_background_set checklist_tasks_done checklist_tasks_added direct_message_price_changed
	forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened general_forum_topic_hidden general_forum_topic_unhidden
	giveaway_created giveaway giveaway_winners giveaway_completed paid_message_price_changed suggested_post_approved
	suggested_post_approval_failed suggested_post_declined suggested_post_paid suggested_post_refunded video_chat_scheduled
	video_chat_started video_chat_ended video_chat_participants_invited web_app_data chat_owner_left chat_owner_changed`)

func keys(names string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(names) {
		set[name] = true
	}
	return set
}

// isService reports whether a message without content is one that Telegram
// made, rather than of a kind that is not known here.
func isService(raw json.RawMessage) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return false
	}
	found := false
	for key := range fields {
		switch {
		case service[key]:
			found = true
		case !envelope[key]:
			return false
		}
	}
	return found
}

// accept stores a message and notes its files to be fetched.
func (c *Channel) accept(ctx context.Context, in bot.Inbound) error {
	r, err := c.engine.Accept(ctx, in)
	if err != nil {
		return err
	}
	if chat, err := chatOf(in.Address); err == nil && r.Fresh {
		c.typing.expect(r.Conversation, r.Message, chat)
	}
	if c.opt.Data == nil {
		return nil
	}
	var wanted []int
	for n, m := range in.Media {
		if fetched[m.Kind] && m.Remote != "" {
			wanted = append(wanted, n)
		}
	}
	return c.store.WantFiles(ctx, r.Message, wanted...)
}
