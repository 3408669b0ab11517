package store

// What tests outside of the package look into.
const SelectEvent = selectEvent

var Listing = (*DB).listing
