// Package staffgroup is the desk in a Telegram group: a forum with one topic
// for each merchant who needs a person.
//
// What the group shows follows from the desk (write.go): one process, by a
// lease, brings each topic step by step to what its case is. So nothing has to
// be remembered of what was on its way when a process died, and a topic that
// somebody has deleted is made again. A group may be written to about twenty
// times a minute, edits and topics included; steps are taken in order of what
// staff wait for most.
//
// What staff write there (read.go) is a move at the desk or a message to the
// merchant, by whoever the desk knows the Telegram user to be; being an
// administrator of the group makes nobody staff. Only what the owner of a case
// writes in its topic reaches the merchant.
package staffgroup
