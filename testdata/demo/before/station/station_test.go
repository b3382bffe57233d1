package station

import "testing"

func TestToFahrenheit(t *testing.T) {
	for temp, want := range map[float64]float64{-40: -40, 0: 32, 100: 212} {
		if got := ToFahrenheit(temp); got != want {
			t.Errorf("ToFahrenheit(%v) = %v, want %v", temp, got, want)
		}
	}
}
