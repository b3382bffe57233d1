package station

// ToFahrenheit converts degrees Celsius.
func ToFahrenheit(temp float64) float64 {
	return temp*9/5 + 32
}

// ToKnots converts metres a second.
func ToKnots(wind float64) float64 {
	return wind * 3600 / 1852
}
