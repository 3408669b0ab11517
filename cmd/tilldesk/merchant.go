package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/bot/store"
	"tilldesk/config"
)

func (a *app) merchant() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "merchant",
		Short:   "Export all that is stored of a merchant, or erase conversations",
		Example: "  tilldesk merchant export 0193… > merchant.json\n  tilldesk merchant erase 0193…",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	alone := false
	export := &cobra.Command{
		Use: "export ID", Short: "Print all that is stored of the merchant of a conversation as JSON", Example: "  tilldesk merchant export 0193… > merchant.json", Args: oneArg("ID"),
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, _ config.Config, args []string) error {
			what := db.Export
			if alone {
				what = db.ExportAlone
			}
			data, err := what(cmd.Context(), bot.ConversationID(args[0]))
			if err != nil {
				return unknownTalk(err, args[0])
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", data)
			return err
		}),
	}
	export.Flags().BoolVar(&alone, "alone", false, "that conversation alone, without others that staff have merged with it")
	erase := &cobra.Command{
		Use: "erase ID...", Short: "Erase all that is stored of a conversation, photos too; it cannot be undone",
		Long: `Erase all that is stored of a conversation, photos too; it cannot be undone.

Conversations that staff have merged with it are named and left alone, as a
merge may be a mistake. To erase them as well, give their ids too.`,
		Example: "  tilldesk merchant erase 0193…\n  tilldesk merchant erase 0193… 0194…",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("give one ID or more; see `%s -h`", cmd.CommandPath())
			}
			return nil
		},
		RunE: a.withStore(func(cmd *cobra.Command, db *store.DB, cfg config.Config, args []string) error {
			id := bot.ConversationID(args[0])
			var others []bot.ConversationID
			for _, arg := range args[1:] {
				others = append(others, bot.ConversationID(arg))
			}
			talks, err := db.ConversationsOf(cmd.Context(), id)
			if err != nil {
				return unknownTalk(err, args[0])
			}
			files, err := db.EraseSeveral(cmd.Context(), id, others...)
			if err = errors.Join(err, removeMedia(cfg.Store.Media, files)); err != nil {
				return err
			}
			for _, talk := range talks {
				what := "erased"
				if talk.ID != id && !slices.Contains(others, talk.ID) {
					what = "left alone"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s (%s): %s\n", talk.ID, talk.Address.Channel, what)
			}
			return nil
		}),
	}
	cmd.AddCommand(export, erase)
	return cmd
}

// unknownTalk says of an id that is not found where those are that there are.
func unknownTalk(err error, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no conversation %q; the page of a merchant at the desk has its id in the address, /desk/merchant/ID", id)
	}
	return err
}

// removeMedia deletes files below the media folder, all that can be deleted.
func removeMedia(dir string, files []string) error {
	if len(files) == 0 {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("store.media: opening the folder for photos: %w", err)
	}
	defer root.Close()
	var problems []error
	for _, file := range files {
		if err := root.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			problems = append(problems, fmt.Errorf("deleting the photo %s: %w", file, err))
		}
	}
	return errors.Join(problems...)
}
