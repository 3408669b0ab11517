package botapi

import (
	"context"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"
)

// The methods of the Bot API that tilldesk calls, named and documented as
// there. Each fails with an [*Error].

// GetMe returns the bot itself.
func (c *Client) GetMe(ctx context.Context) (*models.User, error) {
	return call(ctx, "getMe", func(ctx context.Context, _ struct{}) (*models.User, error) { return c.api.GetMe(ctx) }, struct{}{})
}

// SendMessage sends a text of 1 to 4096 characters.
func (c *Client) SendMessage(ctx context.Context, p *tg.SendMessageParams) (*models.Message, error) {
	return call(ctx, "sendMessage", c.api.SendMessage, p)
}

// SendPhoto sends a picture, uploaded or by its file id.
func (c *Client) SendPhoto(ctx context.Context, p *tg.SendPhotoParams) (*models.Message, error) {
	return call(ctx, "sendPhoto", c.api.SendPhoto, p)
}

// SendVoice sends a voice message by its file id.
func (c *Client) SendVoice(ctx context.Context, p *tg.SendVoiceParams) (*models.Message, error) {
	return call(ctx, "sendVoice", c.api.SendVoice, p)
}

// SendDocument sends a file by its file id.
func (c *Client) SendDocument(ctx context.Context, p *tg.SendDocumentParams) (*models.Message, error) {
	return call(ctx, "sendDocument", c.api.SendDocument, p)
}

// CopyMessage copies a message into another chat or topic, without naming its
// author.
func (c *Client) CopyMessage(ctx context.Context, p *tg.CopyMessageParams) (*models.MessageID, error) {
	return call(ctx, "copyMessage", c.api.CopyMessage, p)
}

// EditMessageText replaces the text and buttons of a message.
func (c *Client) EditMessageText(ctx context.Context, p *tg.EditMessageTextParams) (*models.Message, error) {
	return call(ctx, "editMessageText", c.api.EditMessageText, p)
}

// EditMessageReplyMarkup replaces the buttons of a message.
func (c *Client) EditMessageReplyMarkup(ctx context.Context, p *tg.EditMessageReplyMarkupParams) (*models.Message, error) {
	return call(ctx, "editMessageReplyMarkup", c.api.EditMessageReplyMarkup, p)
}

// AnswerCallbackQuery answers the press of a button, with a short notice if
// text is given: 200 characters at most.
func (c *Client) AnswerCallbackQuery(ctx context.Context, id, text string) error {
	_, err := call(ctx, "answerCallbackQuery", c.api.AnswerCallbackQuery, &tg.AnswerCallbackQueryParams{CallbackQueryID: id, Text: text})
	return err
}

// ShowTyping shows in a chat, for five seconds at most, that the bot types.
func (c *Client) ShowTyping(ctx context.Context, chat int64) error {
	_, err := call(ctx, "sendChatAction", c.api.SendChatAction, &tg.SendChatActionParams{ChatID: chat, Action: models.ChatActionTyping})
	return err
}

// CreateForumTopic opens a topic and returns its message_thread_id.
func (c *Client) CreateForumTopic(ctx context.Context, chat int64, name string) (int, error) {
	topic, err := call(ctx, "createForumTopic", c.api.CreateForumTopic, &tg.CreateForumTopicParams{ChatID: chat, Name: name})
	if err != nil {
		return 0, err
	}
	return topic.MessageThreadID, nil
}

// EditForumTopic renames a topic.
func (c *Client) EditForumTopic(ctx context.Context, chat int64, thread int, name string) error {
	_, err := call(ctx, "editForumTopic", c.api.EditForumTopic, &tg.EditForumTopicParams{ChatID: chat, MessageThreadID: thread, Name: name})
	return err
}

// CloseForumTopic closes a topic.
func (c *Client) CloseForumTopic(ctx context.Context, chat int64, thread int) error {
	_, err := call(ctx, "closeForumTopic", c.api.CloseForumTopic, &tg.CloseForumTopicParams{ChatID: chat, MessageThreadID: thread})
	return err
}

// ReopenForumTopic opens a topic again.
func (c *Client) ReopenForumTopic(ctx context.Context, chat int64, thread int) error {
	_, err := call(ctx, "reopenForumTopic", c.api.ReopenForumTopic, &tg.ReopenForumTopicParams{ChatID: chat, MessageThreadID: thread})
	return err
}

// PinChatMessage pins a message, without a sound.
func (c *Client) PinChatMessage(ctx context.Context, chat int64, message int) error {
	_, err := call(ctx, "pinChatMessage", c.api.PinChatMessage, &tg.PinChatMessageParams{ChatID: chat, MessageID: message, DisableNotification: true})
	return err
}

// SetMessageReaction puts an emoji of Telegram's list on a message.
func (c *Client) SetMessageReaction(ctx context.Context, chat int64, message int, emoji string) error {
	_, err := call(ctx, "setMessageReaction", c.api.SetMessageReaction, &tg.SetMessageReactionParams{ChatID: chat, MessageID: message,
		Reaction: []models.ReactionType{{Type: models.ReactionTypeTypeEmoji, ReactionTypeEmoji: &models.ReactionTypeEmoji{Type: models.ReactionTypeTypeEmoji, Emoji: emoji}}}})
	return err
}

// SetMyCommands sets the menu of a scope and language, a two-letter code or "".
func (c *Client) SetMyCommands(ctx context.Context, p *tg.SetMyCommandsParams) error {
	_, err := call(ctx, "setMyCommands", c.api.SetMyCommands, p)
	return err
}

// GetChat returns a chat that the bot is in.
func (c *Client) GetChat(ctx context.Context, chat int64) (*models.ChatFullInfo, error) {
	return call(ctx, "getChat", c.api.GetChat, &tg.GetChatParams{ChatID: chat})
}

// GetChatMember returns what a user is in a chat.
func (c *Client) GetChatMember(ctx context.Context, chat, user int64) (*models.ChatMember, error) {
	return call(ctx, "getChatMember", c.api.GetChatMember, &tg.GetChatMemberParams{ChatID: chat, UserID: user})
}

// LeaveChat leaves a group.
func (c *Client) LeaveChat(ctx context.Context, chat int64) error {
	_, err := call(ctx, "leaveChat", c.api.LeaveChat, &tg.LeaveChatParams{ChatID: chat})
	return err
}

// GetWebhookInfo returns where updates are sent, and what failed there last.
func (c *Client) GetWebhookInfo(ctx context.Context) (*models.WebhookInfo, error) {
	return call(ctx, "getWebhookInfo", func(ctx context.Context, _ struct{}) (*models.WebhookInfo, error) { return c.api.GetWebhookInfo(ctx) }, struct{}{})
}

// SetWebhook lets updates be sent to a URL, with a secret of 1 to 256
// characters of A-Za-z0-9_- in a header. What waits already is sent as well.
func (c *Client) SetWebhook(ctx context.Context, url, secret string, allowed []string) error {
	_, err := call(ctx, "setWebhook", c.api.SetWebhook, &tg.SetWebhookParams{URL: url, SecretToken: secret, AllowedUpdates: allowed})
	return err
}

// DeleteWebhook lets updates be fetched again. What waits is kept.
func (c *Client) DeleteWebhook(ctx context.Context) error {
	_, err := call(ctx, "deleteWebhook", c.api.DeleteWebhook, &tg.DeleteWebhookParams{})
	return err
}
