package measure_test

import (
	"math"
	"testing"
	"time"

	"tilldesk/intents/measure"
)

func TestFigures(t *testing.T) {
	rows := []measure.Row{
		{Gold: "a", Pred: "a", InScope: "a", Score: 0.9, Answered: true, Took: 1 * time.Microsecond},
		{Gold: "a", Pred: "b", InScope: "b", Score: 0.7, Answered: true, Took: 2 * time.Microsecond},
		{Gold: "b", Pred: "b", InScope: "b", Score: 0.8, Took: 3 * time.Microsecond},
		{Gold: "b", Pred: "oos", InScope: "b", Score: 0.3, Took: 4 * time.Microsecond},
		{Gold: "oos", Pred: "oos", InScope: "a", Score: 0.2, Took: 5 * time.Microsecond},
	}
	f := measure.Of("x", rows)
	want := measure.Figures{File: "x", N: 5, Accuracy: 0.6, InScopeAccuracy: 0.5, OOSRecall: 1, OOSPrecision: 0.5,
		Answered: 0.4, AnsweredAccuracy: 0.5, P50Micros: 3, P99Micros: 4, AUROC: 1, OOSRecallAt95: 1}
	// F1: a 2*1/(2+1), b 2*1/(2+2), oos 2*1/(1+2).
	want.MacroF1 = (2./3 + 2./4 + 2./3) / 3
	if math.Abs(f.MacroF1-want.MacroF1) > 1e-12 {
		t.Errorf("macro F1 %.4f, want %.4f", f.MacroF1, want.MacroF1)
	}
	// Off by .1, .7, .2, .7 and .2.
	if math.Abs(f.Calibration-1.9/5) > 1e-12 {
		t.Errorf("calibration error %.4f, want .38", f.Calibration)
	}
	f.MacroF1, f.Calibration = want.MacroF1, want.Calibration
	if f != want {
		t.Errorf("figures %+v, want %+v", f, want)
	}
	if got := measure.AUROC(rows); got != 1 {
		t.Errorf("AUROC %.3f, want 1: every row in scope scores above the one outside", got)
	}
	if got := measure.OOSRecallAt95(rows); got != 1 {
		t.Errorf("oos recall at 95 %% is %.2f, want 1", got)
	}
	if got := measure.Threshold(rows); got < 0.2 || got > 0.3 {
		t.Errorf("threshold %.2f, want between the outside row and the others", got)
	}
	if c := measure.Confusions(rows); len(c) != 2 || c[0].N != 1 {
		t.Errorf("confusions %+v", c)
	}
}

func TestCalibrationError(t *testing.T) {
	var rows []measure.Row
	for i := range 100 {
		gold := "a"
		if i >= 80 {
			gold = "b"
		}
		rows = append(rows, measure.Row{Gold: gold, InScope: "a", Score: 0.8})
	}
	if got := measure.CalibrationError(rows, 10); got > 1e-9 {
		t.Errorf("80 of 100 are right at .8, and the error is %.3f", got)
	}
	for i := range rows {
		rows[i].Score = 0.95
	}
	if got := measure.CalibrationError(rows, 10); math.Abs(got-0.15) > 1e-9 {
		t.Errorf("80 of 100 are right at .95, and the error is %.3f, want .15", got)
	}
}

func TestFiguresOfNothing(t *testing.T) {
	if f := measure.Of("x", nil); f.Accuracy != 0 || math.IsNaN(f.MacroF1) {
		t.Errorf("figures of nothing: %+v", f)
	}
}
