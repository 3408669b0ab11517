package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/config"
)

// listed is how many messages, and replies of each kind, a list shows at most.
const listed = 200

func (a *app) dead() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead",
		Short:   "Messages that could not be answered, and replies that could not be sent",
		Example: "  tilldesk dead list\n  tilldesk dead retry 0193…",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.deadList(), a.deadShow(), a.deadRetry(), a.deadDrop())
	return cmd
}

func (a *app) deadList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List them, messages before replies, oldest first", Example: "  tilldesk dead list", Args: noArgs,
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, _ []string) error {
			letters, replies, err := deadLetters(cmd.Context(), db)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			for _, d := range letters {
				fmt.Fprintf(out, "%s  %s  %s  %s\n", d.ID, d.Received.Format(time.RFC3339), d.Address.Channel, firstLine(d.Why))
			}
			for _, p := range replies {
				fmt.Fprintf(out, "%s  %s  %s  reply, %s: %s\n", p.ID, p.Since.Format(time.RFC3339), p.Address.Channel, deliveryWords[p.Delivery], firstLine(p.Why))
			}
			if len(letters)+len(replies) == 0 {
				fmt.Fprintln(out, "none: every message was answered or waits for its turn")
			}
			return out.Flush()
		}),
	}
}

func (a *app) deadShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show why one was put aside", Example: "  tilldesk dead show 0193…", Args: oneArg("ID"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			letters, replies, err := deadLetters(cmd.Context(), db)
			if err != nil {
				return err
			}
			for _, d := range letters {
				if string(d.ID) == args[0] {
					return showLetter(cmd.OutOrStdout(), d)
				}
			}
			for _, p := range replies {
				if string(p.ID) == args[0] {
					return showReply(cmd.OutOrStdout(), p)
				}
			}
			return unlisted(store.ErrNotFound, args[0])
		}),
	}
}

func showLetter(w io.Writer, d bot.PutAside) error {
	_, err := fmt.Fprintf(w, "message       %s\nconversation  %s\nchannel       %s\nreceived      %s\nwhy           %s\n",
		d.ID, d.Conversation, d.Address.Channel, d.Received.Format(time.RFC3339), d.Why)
	return err
}

func showReply(w io.Writer, p bot.Parked) error {
	_, err := fmt.Fprintf(w, "reply         %s, %s\nconversation  %s\nchannel       %s\nsaid          %s\ntries         %d\nwhy           %s\n",
		p.ID, deliveryWords[p.Delivery], p.Conversation, p.Address.Channel, p.Since.Format(time.RFC3339), p.Attempts+1, p.Why)
	return err
}

func (a *app) deadRetry() *cobra.Command {
	return &cobra.Command{
		Use: "retry ID", Short: "Have a message answered, or a reply sent, once more", Example: "  tilldesk dead retry 0193…", Args: oneArg("ID"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			id := bot.MessageID(args[0])
			err := db.Requeue(cmd.Context(), id)
			if errors.Is(err, store.ErrNotFound) {
				err = db.Resend(cmd.Context(), id)
			}
			return unlisted(err, args[0])
		}),
	}
}

func (a *app) deadDrop() *cobra.Command {
	return &cobra.Command{
		Use: "drop ID", Short: "Take one off the list; a reply counts as delivered", Example: "  tilldesk dead drop 0193…", Args: oneArg("ID"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			id := bot.MessageID(args[0])
			err := db.Drop(cmd.Context(), id)
			if errors.Is(err, store.ErrNotFound) {
				err = db.Settle(cmd.Context(), id, time.Now())
			}
			return unlisted(err, args[0])
		}),
	}
}

// unlisted says of an id that is not found where those are that there are.
func unlisted(err error, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no dead letter %q; `tilldesk dead list` names them", id)
	}
	return err
}

// deliveryWords say what became of a reply that waits for a person.
var deliveryWords = map[bot.Delivery]string{
	bot.Held: "it may have arrived or not",
	bot.Dead: "it could not be delivered",
}

// firstLine is the first line of why something failed; a panic has many.
func firstLine(why string) string {
	line, _, _ := strings.Cut(why, "\n")
	return line
}

// deadLetters returns the messages that could not be answered, and the replies
// that wait for a person.
func deadLetters(ctx context.Context, db *store.DB) ([]bot.PutAside, []bot.Parked, error) {
	letters, err := db.Dead(ctx, listed)
	if err != nil {
		return nil, nil, err
	}
	held, err := db.Held(ctx, listed)
	if err != nil {
		return nil, nil, err
	}
	dead, err := db.DeadOut(ctx, listed)
	return letters, append(held, dead...), err
}
