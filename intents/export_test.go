package intents

import "tilldesk/intents/linear"

// Classify is the classifier's part of a match.
func (e *Engine) Classify(normal string, top []linear.Guess) { e.intents.Classify(normal, top) }
