// Package intents turns a message into what it means: the intent with its
// probability, the entities it names, and, inside a fix, the act that an
// answer performs. Same message, same answer; nothing is remembered.
//
// [Mask] hides numbers that must not be kept and stands before everything
// else; [Normalise] makes one of the many ways to write a thing. A [Set] is
// what the engine learns from, read by [Load]; [Engine] is what has learnt.
package intents
