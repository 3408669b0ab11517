package trial

import (
	"context"

	"tilldesk/bot"
	"tilldesk/content"
	"tilldesk/intents"
)

// LearnLittle learns from a handful of the examples: enough to answer, and
// quick enough to start a hundred times. It learns the same each time.
func LearnLittle(ctx context.Context, c *content.Content) (*bot.Knowledge, error) {
	little := *c.Intents
	little.Examples = nil
	perIntent := map[string]int{}
	for _, ex := range c.Intents.Examples {
		if perIntent[ex.Intent]++; perIntent[ex.Intent] <= 3 {
			little.Examples = append(little.Examples, ex)
		}
	}
	little.Acts = nil
	perAct := map[intents.Act]int{}
	for _, ex := range c.Intents.Acts {
		if perAct[ex.Act]++; perAct[ex.Act] <= 6 {
			little.Acts = append(little.Acts, ex)
		}
	}
	return bot.Learn(ctx, &little, c.Base, c.Script)
}
