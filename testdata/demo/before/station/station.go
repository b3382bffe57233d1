// Package station reads what weather stations report.
package station

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// Reading is what one station reported last.
type Reading struct {
	Name string
	Temp float64 // degrees Celsius
	Wind float64 // metres a second
}

// Load reads the stations that the settings in file name.
func Load(file string) ([]Reading, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	var readings []Reading
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, values, found := strings.Cut(lines.Text(), "=")
		if !found {
			continue
		}
		r := Reading{Name: name}
		if _, err := fmt.Sscan(values, &r.Temp, &r.Wind); err != nil {
			return nil, fmt.Errorf("station %s: %w", name, err)
		}
		readings = append(readings, r)
	}
	return readings, nil
}
