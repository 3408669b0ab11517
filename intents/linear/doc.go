// Package linear finds out which of a set of intents a message states. It
// learns from example messages when the program starts and needs little else: no
// pretrained model, no segmentation, and of words only which everyday English
// ones say the same (package english).
//
// A text becomes a sparse vector. Latin script gives words (lightly stemmed, and
// as the group of those that say the same), pairs of words and the character
// n-grams within words; Han gives characters and pairs of characters. One model holds all languages: their features do
// not meet, and in a mixed text each script has the weight of its share.
// One linear support vector machine per label tells the label from the rest;
// what the label's rows are made of is added to its weights (ratios.go).
//
// How far the scores can be trusted is learnt by rehearsal. Some labels and
// some rows of the other labels are held back, the machines are trained
// without them, and what they then make of the held-back rows shows two
// things: how scores translate into probabilities, and what a message looks
// like that belongs to none of the labels. No out-of-scope text is needed for
// the second; where examples of it are given, their label is one like others.
package linear
