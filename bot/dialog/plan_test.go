package dialog_test

import (
	"math"
	"testing"

	"tilldesk/bot/dialog"
)

// lamp is a textbook fault tree: three causes, a cheap telling check, fixes of
// different cost, one that cannot be undone.
func lamp() *dialog.Playbook {
	return &dialog.Playbook{
		Intent: "lamp",
		Causes: []dialog.Fault{{ID: "bulb", Prior: 0.6}, {ID: "fuse", Prior: 0.3}, {ID: "mains", Prior: 0.1}},
		Steps: []dialog.Step{
			{ID: "other_lamp", Kind: dialog.Check, Seconds: 5, Yes: map[string]float64{"bulb": 0.97, "fuse": 0.03, "mains": 0.03}},
			{ID: "new_bulb", Kind: dialog.Fix, Seconds: 60, Cures: map[string]float64{"bulb": 0.95}},
			{ID: "new_fuse", Kind: dialog.Fix, Seconds: 120, Cures: map[string]float64{"fuse": 0.9}},
			{ID: "call_mains", Kind: dialog.Refer, Seconds: 300, Settles: []string{"mains"}},
			{ID: "rewire", Kind: dialog.Fix, Seconds: 1, Irreversible: true, Cures: map[string]float64{"bulb": 0.99, "fuse": 0.99, "mains": 0.99}},
		},
	}
}

func TestNext(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers map[string]dialog.Result
		want    string
	}{
		{"a cheap telling check comes first", nil, "other_lamp"},
		{"yes points to the bulb", map[string]dialog.Result{"other_lamp": dialog.Yes}, "new_bulb"},
		{"no points to the fuse", map[string]dialog.Result{"other_lamp": dialog.No}, "new_fuse"},
		{"after a fix that failed, what can be done here", map[string]dialog.Result{"other_lamp": dialog.No, "new_fuse": dialog.NotFixed}, "new_bulb"},
		{"then somebody else", map[string]dialog.Result{"other_lamp": dialog.No, "new_fuse": dialog.NotFixed, "new_bulb": dialog.NotFixed}, "call_mains"},
		{"a check that could not be made tells nothing", map[string]dialog.Result{"other_lamp": dialog.Skipped}, "new_bulb"},
		{"what cannot be undone comes last, however cheap", map[string]dialog.Result{"other_lamp": dialog.Yes,
			"new_bulb": dialog.NotFixed, "new_fuse": dialog.NotFixed, "call_mains": dialog.NotFixed}, "rewire"},
		{"then a person", map[string]dialog.Result{"other_lamp": dialog.Yes, "new_bulb": dialog.NotFixed,
			"new_fuse": dialog.NotFixed, "call_mains": dialog.NotFixed, "rewire": dialog.NotFixed}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if step := lamp().Next(dialog.Evidence{Answers: tt.answers}); step != nil {
				got = step.ID
			}
			if got != tt.want {
				t.Errorf("next is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNextTakesWhatOthersWaitFor(t *testing.T) {
	p := lamp()
	// Both cures wait for the check, which by itself has little to tell.
	p.Steps[0].Yes = map[string]float64{"bulb": 0.5, "fuse": 0.5, "mains": 0.5}
	p.Steps[1].After, p.Steps[2].After = []string{"other_lamp"}, []string{"other_lamp"}
	p.Steps = p.Steps[:3]
	if step := p.Next(dialog.Evidence{}); step == nil || step.ID != "other_lamp" {
		t.Errorf("next is %v, want the check that both fixes wait for", step)
	}
}

func TestSkippedDoesNotOpenTheIrreversible(t *testing.T) {
	p := lamp()
	p.Steps[4].After = []string{"other_lamp"}
	answers := map[string]dialog.Result{"other_lamp": dialog.Skipped, "new_bulb": dialog.NotFixed, "new_fuse": dialog.NotFixed, "call_mains": dialog.NotFixed}
	if step := p.Next(dialog.Evidence{Answers: answers}); step != nil {
		t.Errorf("next is %s although the check before it was skipped", step.ID)
	}
}

func TestPosterior(t *testing.T) {
	post := lamp().Posterior(dialog.Evidence{Answers: map[string]dialog.Result{"other_lamp": dialog.Yes}})
	// By hand: .6*.97, .3*.03, .1*.03, divided by their sum.
	sum := .6*.97 + .3*.03 + .1*.03
	for i, want := range []float64{.6 * .97 / sum, .3 * .03 / sum, .1 * .03 / sum} {
		if math.Abs(post[i]-want) > 1e-12 {
			t.Errorf("cause %d has %.6f, want %.6f", i, post[i], want)
		}
	}
	if c, chance := lamp().Suspect(dialog.Evidence{Answers: map[string]dialog.Result{"other_lamp": dialog.Yes}}); c.ID != "bulb" || chance < 0.97 {
		t.Errorf("suspect %s with %.2f", c.ID, chance)
	}
}

func TestUnreached(t *testing.T) {
	p := lamp()
	p.Steps = append(p.Steps, dialog.Step{ID: "dance", Kind: dialog.Fix, Seconds: 3000, Cures: map[string]float64{"mains": 0.01}})
	if got := p.Unreached(300); len(got) != 1 || got[0] != "dance" {
		t.Errorf("unreached %v, want dance alone", got)
	}
}
