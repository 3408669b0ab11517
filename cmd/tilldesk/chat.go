package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
)

func (a *app) chat() *cobra.Command {
	var lang string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "chat",
		Short: "Talk to the bot in the terminal",
		Long: "chat runs the whole bot in the terminal; no service is needed and nothing is stored.\n" +
			"Answer with words or with the number of a choice. /resume plays staff who give the\n" +
			"conversation back to the bot; /quit, Ctrl-D and Ctrl-C end. With --json it reads lines of\n" +
			"{\"text\":\"...\",\"choice\":\"...\"} or plain text and prints one JSON object for each.",
		Example: "  tilldesk chat --lang zh\n  printf '花呗扫不了\\n1\\n' | tilldesk chat --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLang(lang); err != nil {
				return err
			}
			k, _, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			t := &terminal{k: k, out: cmd.OutOrStdout(), state: dialog.State{Lang: source.Lang(lang), Phase: dialog.Idle}}
			if asJSON {
				return eachLine(cmd.Context(), cmd.InOrStdin(), func(line string) error { return t.json(cmd, line) })
			}
			t.hello()
			err = eachLine(cmd.Context(), cmd.InOrStdin(), func(line string) error { return t.line(cmd, line) })
			fmt.Fprintln(t.out)
			if errors.Is(err, errQuit) {
				return nil
			}
			return err
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "", "language to start in, `zh or en` (default: as you write)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "read and print JSON Lines")
	return cmd
}

// errQuit ends the conversation at the merchant's word.
var errQuit = errors.New("quit")

// terminal is one conversation in memory.
type terminal struct {
	k       *bot.Knowledge
	out     io.Writer
	state   dialog.State
	tickets int
}

// turn takes one message and returns what follows from it.
func (t *terminal) turn(cmd *cobra.Command, m bot.Message) (dialog.Outcome, error) {
	out, err := t.k.Turn(cmd.Context(), t.state, m)
	if err != nil {
		return out, failedError{fmt.Errorf("understanding a message: %w", err)}
	}
	if out.Handoff != nil {
		t.tickets++
		out.State.Ticket = fmt.Sprintf("T%d", t.tickets)
	}
	t.state = out.State
	return out, nil
}

func (t *terminal) json(cmd *cobra.Command, line string) error {
	m := bot.Message{Text: line}
	var in struct {
		Text   *string `json:"text"`
		Choice string  `json:"choice"`
	}
	if strings.HasPrefix(strings.TrimSpace(line), "{") && json.Unmarshal([]byte(line), &in) == nil && (in.Text != nil || in.Choice != "") {
		m = bot.Message{Choice: in.Choice}
		if in.Text != nil {
			m.Text = *in.Text
		}
	}
	out, err := t.turn(cmd, m)
	if err != nil {
		return err
	}
	return failed(writeJSON(t.out, struct {
		Replies []bot.Reply `json:"replies"`
		State   bot.Status  `json:"state"`
	}{bot.Render(out.State, out.Say), bot.StatusOf(out.State)}))
}

func failed(err error) error {
	if err != nil {
		return failedError{err}
	}
	return nil
}

func (t *terminal) hello() {
	text := "您好！收款遇到什么问题，用一句话告诉我。/quit 结束。"
	if t.state.Lang == source.En {
		text = "Hello! Tell me in one line what is wrong with taking payments. /quit ends."
	} else if t.state.Lang == "" {
		text += "  (English is fine too.)"
	}
	fmt.Fprintf(t.out, "\n  %s\n\n> ", text)
}

func (t *terminal) line(cmd *cobra.Command, line string) error {
	switch strings.TrimSpace(line) {
	case "":
		_, err := fmt.Fprint(t.out, "> ")
		return failed(err)
	case "/quit", "/exit":
		return errQuit
	case "/resume":
		t.state = t.k.Script.Release(t.state)
		fmt.Fprint(t.out, "\n  [staff give the conversation back to the bot]\n\n> ")
		return nil
	}
	out, err := t.turn(cmd, bot.Message{Text: line})
	if err != nil {
		return err
	}
	fmt.Fprintln(t.out)
	if out.Reason == dialog.Silent {
		fmt.Fprintf(t.out, "  [%s: a person has this conversation; the bot is silent. /resume gives it back]\n", t.state.Ticket)
	}
	number := 0
	for _, reply := range bot.Render(out.State, out.Say) {
		fmt.Fprintf(t.out, "  %s\n", strings.ReplaceAll(reply.Text, "\n", "\n  "))
		for _, c := range reply.Choices {
			number++
			fmt.Fprintf(t.out, "    %d  %s\n", number, c.Label)
		}
		fmt.Fprintln(t.out)
	}
	if out.Handoff != nil {
		fmt.Fprint(t.out, t.card(out))
	}
	_, err = fmt.Fprint(t.out, "> ")
	return failed(err)
}

// card shows what staff would see of a hand-over.
func (t *terminal) card(out dialog.Outcome) string {
	card := bot.NewCard(t.k, out.State, *out.Handoff)
	var b strings.Builder
	fmt.Fprintf(&b, "  ── %s · what staff see ──\n", out.State.Ticket)
	for _, line := range card.Lines(out.State.Lang) {
		fmt.Fprintf(&b, "  │ %s\n", line)
	}
	b.WriteString("  ──\n\n")
	return b.String()
}
