package dialog

// ToldBy returns what a normalised message says about steps unasked, as step
// and result; what it denies has a "not " before the result.
func (s *Script) ToldBy(text string) map[string]string {
	told := map[string]string{}
	for _, f := range s.told(text) {
		told[f.step] = string(f.result)
		if f.denied {
			told[f.step] = "not " + told[f.step]
		}
	}
	return told
}
