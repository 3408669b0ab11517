package telegramtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A rule says whether a parameter's value is allowed.
type rule struct {
	required bool
	check    func(call Call, name, value string) error
}

// spec are the methods and their parameters as documented, as far as the bot
// has any use for them.
var spec = map[string]map[string]rule{
	"getMe":          {},
	"getWebhookInfo": {},
	"deleteWebhook":  {"drop_pending_updates": must("false")},
	"setWebhook": {"url": required(text(1, 2048)), "secret_token": optional(secret), "allowed_updates": optional(kinds),
		"max_connections": optional(integer(1, 100))},
	"getUpdates": {"offset": optional(integer(-1<<40, 1<<40)), "limit": optional(integer(1, 100)),
		"timeout": optional(integer(0, 50)), "allowed_updates": optional(kinds)},
	"sendMessage": with(sending, map[string]rule{"text": required(text(1, 4096)), "entities": optional(entities("text")),
		"link_preview_options": optional(object("is_disabled"))}),
	"sendPhoto":    with(sending, map[string]rule{"photo": required(upload(10 << 20)), "caption": optional(text(0, 1024))}),
	"sendVoice":    with(sending, map[string]rule{"voice": required(upload(50 << 20)), "caption": optional(text(0, 1024))}),
	"sendDocument": with(sending, map[string]rule{"document": required(upload(50 << 20)), "caption": optional(text(0, 1024))}),
	"copyMessage": with(sending, map[string]rule{"from_chat_id": required(anyInteger), "message_id": required(integer(1, 1<<31)),
		"caption": optional(text(0, 1024))}),
	"editMessageText": {"chat_id": required(anyInteger), "message_id": required(integer(1, 1<<31)), "text": required(text(1, 4096)),
		"entities": optional(entities("text")), "reply_markup": optional(keyboard), "link_preview_options": optional(object("is_disabled"))},
	"editMessageReplyMarkup": {"chat_id": required(anyInteger), "message_id": required(integer(1, 1<<31)), "reply_markup": optional(keyboard)},
	"answerCallbackQuery":    {"callback_query_id": required(text(1, 64)), "text": optional(text(0, 200)), "show_alert": optional(boolean)},
	"sendChatAction":         {"chat_id": required(anyInteger), "action": required(chatAction), "message_thread_id": optional(integer(2, 1<<31))},
	"createForumTopic":       {"chat_id": required(anyInteger), "name": required(text(1, 128))},
	"editForumTopic":         {"chat_id": required(anyInteger), "message_thread_id": required(integer(1, 1<<31)), "name": optional(text(0, 128))},
	"closeForumTopic":        {"chat_id": required(anyInteger), "message_thread_id": required(integer(1, 1<<31))},
	"reopenForumTopic":       {"chat_id": required(anyInteger), "message_thread_id": required(integer(1, 1<<31))},
	"pinChatMessage":         {"chat_id": required(anyInteger), "message_id": required(integer(1, 1<<31)), "disable_notification": optional(boolean)},
	"setMessageReaction":     {"chat_id": required(anyInteger), "message_id": required(integer(1, 1<<31)), "reaction": optional(reactions)},
	"setMyCommands":          {"commands": required(commands), "scope": optional(object("type", "chat_id")), "language_code": optional(text(0, 2))},
	"getChat":                {"chat_id": required(anyInteger)},
	"getChatMember":          {"chat_id": required(anyInteger), "user_id": required(anyInteger)},
	"leaveChat":              {"chat_id": required(anyInteger)},
	"getFile":                {"file_id": required(text(1, 256))},
}

// sending are the parameters of all methods that send.
var sending = map[string]rule{
	"chat_id": required(anyInteger), "message_thread_id": optional(integer(2, 1<<31)),
	"disable_notification": optional(boolean), "reply_markup": optional(keyboard),
	"reply_parameters": optional(object("message_id", "allow_sending_without_reply")),
}

func with(sets ...map[string]rule) map[string]rule {
	all := map[string]rule{}
	for _, set := range sets {
		for name, r := range set {
			all[name] = r
		}
	}
	return all
}

// check holds a call against the documentation.
func check(call Call) error {
	params, known := spec[call.Method]
	if !known {
		return fmt.Errorf("the method is not documented here")
	}
	for name, value := range call.Params {
		r, ok := params[name]
		if !ok {
			return fmt.Errorf("there is no parameter %q", name)
		}
		if err := r.check(call, name, value); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	for name := range call.Files {
		if _, ok := params[name]; !ok {
			return fmt.Errorf("there is no parameter %q for a file", name)
		}
	}
	for name, r := range params {
		_, sent := call.Params[name]
		_, uploaded := call.Files[name]
		if r.required && !sent && !uploaded {
			return fmt.Errorf("parameter %s is missing", name)
		}
	}
	return nil
}

type checker = func(Call, string, string) error

func required(c checker) rule { return rule{true, c} }
func optional(c checker) rule { return rule{false, c} }

// chatActions are those of Bot API, sendChatAction.
var chatActions = []string{"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
	"choose_sticker", "find_location", "record_video_note", "upload_video_note"}

func chatAction(_ Call, _, value string) error {
	if !slices.Contains(chatActions, value) {
		return fmt.Errorf("%q is no action", value)
	}
	return nil
}

// must is a parameter that nobody should give another value.
func must(want string) rule {
	return optional(func(_ Call, _, value string) error {
		if value != want {
			return fmt.Errorf("it is %q", value)
		}
		return nil
	})
}

// Units is the length of a text as entities count it.
func Units(text string) int { return len(utf16.Encode([]rune(text))) }

func text(least, most int) checker {
	return func(_ Call, _, value string) error {
		if n := Units(value); n < least || n > most {
			return fmt.Errorf("%d characters, allowed: %d to %d", n, least, most)
		}
		return nil
	}
}

func integer(least, most int64) checker {
	return func(_ Call, _, value string) error {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is no integer of %d to %d", value, least, most)
		}
		return nil
	}
}

func anyInteger(call Call, name, value string) error {
	return integer(-1<<62, 1<<62)(call, name, value)
}

func boolean(_ Call, _, value string) error {
	if value != "true" && value != "false" {
		return fmt.Errorf("%q is no boolean", value)
	}
	return nil
}

func secret(_ Call, _, value string) error {
	if len(value) < 1 || len(value) > 256 || strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return fmt.Errorf("1 to 256 characters of A-Za-z0-9_- are allowed")
	}
	return nil
}

var updateKinds = []string{"message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member", "chat_member", "message_reaction"}

func kinds(_ Call, _, value string) error {
	var list []string
	if err := json.Unmarshal([]byte(value), &list); err != nil {
		return fmt.Errorf("no list of texts: %w", err)
	}
	for _, kind := range list {
		if !slices.Contains(updateKinds, kind) {
			return fmt.Errorf("there are no updates of kind %q", kind)
		}
	}
	return nil
}

// object allows the keys and no others.
func object(keys ...string) checker {
	return func(_ Call, _, value string) error {
		var fields map[string]any
		if err := json.Unmarshal([]byte(value), &fields); err != nil {
			return fmt.Errorf("no JSON object: %w", err)
		}
		for key := range fields {
			if !slices.Contains(keys, key) {
				return fmt.Errorf("there is no field %q", key)
			}
		}
		return nil
	}
}

// Button is one below a message.
type Button struct {
	Text string `json:"text"`
	Data string `json:"callback_data"`
	URL  string `json:"url"`
	Copy *struct {
		Text string `json:"text"`
	} `json:"copy_text"`
}

type markup struct {
	Rows [][]Button `json:"inline_keyboard"`
}

func keyboard(_ Call, _, value string) error {
	var m markup
	decoder := json.NewDecoder(strings.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return fmt.Errorf("no inline keyboard: %w", err)
	}
	n := 0
	for _, row := range m.Rows {
		if len(row) == 0 || len(row) > 8 {
			return fmt.Errorf("a row of %d buttons", len(row))
		}
		for _, b := range row {
			n++
			switch {
			case strings.TrimSpace(b.Text) == "":
				return fmt.Errorf("a button without a text")
			case b.Data == "" && b.URL == "":
				return fmt.Errorf("button %q does nothing", b.Text)
			case b.Data != "" && b.URL != "":
				return fmt.Errorf("button %q does two things", b.Text)
			case len(b.Data) > 64:
				return fmt.Errorf("BUTTON_DATA_INVALID: %d bytes, allowed: 1 to 64", len(b.Data))
			}
		}
	}
	if n > 100 {
		return fmt.Errorf("%d buttons", n)
	}
	return nil
}

// entities must lie within the text, as UTF-16 units.
func entities(of string) checker {
	return func(call Call, _, value string) error {
		var list []struct {
			Type   string `json:"type"`
			Offset int    `json:"offset"`
			Length int    `json:"length"`
		}
		if err := json.Unmarshal([]byte(value), &list); err != nil {
			return fmt.Errorf("no list of entities: %w", err)
		}
		for _, e := range list {
			if e.Offset < 0 || e.Length < 1 || e.Offset+e.Length > Units(call.Params[of]) {
				return fmt.Errorf("ENTITY_BOUNDS_INVALID: %d+%d of %d", e.Offset, e.Length, Units(call.Params[of]))
			}
		}
		return nil
	}
}

func upload(most int) checker {
	return func(call Call, name, value string) error {
		if body, uploaded := call.Files[name]; uploaded && len(body) > most {
			return fmt.Errorf("%d bytes, allowed: %d", len(body), most)
		} else if !uploaded && value == "" {
			return fmt.Errorf("there is no file")
		}
		return nil
	}
}

// reactionEmoji are some of the list that bots may use.
var reactionEmoji = []string{"👍", "👎", "👀", "👌", "✍", "🤝", "🔥", "🎉"}

func reactions(_ Call, _, value string) error {
	var list []struct {
		Type  string `json:"type"`
		Emoji string `json:"emoji"`
	}
	if err := json.Unmarshal([]byte(value), &list); err != nil || len(list) > 1 {
		return fmt.Errorf("a bot may set one reaction: %v", err)
	}
	for _, r := range list {
		if r.Type != "emoji" || !slices.Contains(reactionEmoji, r.Emoji) {
			return fmt.Errorf("REACTION_INVALID: %q", r.Emoji)
		}
	}
	return nil
}

func commands(_ Call, _, value string) error {
	var list []struct {
		Command     string `json:"command"`
		Description string `json:"description"`
	}
	if err := json.Unmarshal([]byte(value), &list); err != nil || len(list) > 100 {
		return fmt.Errorf("no list of at most 100 commands: %v", err)
	}
	for _, c := range list {
		if len(c.Command) < 1 || len(c.Command) > 32 || strings.Trim(c.Command, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return fmt.Errorf("command %q: 1 to 32 of a-z0-9_ are allowed", c.Command)
		}
		if n := Units(c.Description); n < 1 || n > 256 {
			return fmt.Errorf("command %q: a description of %d characters", c.Command, n)
		}
	}
	return nil
}
