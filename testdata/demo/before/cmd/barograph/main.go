// Command barograph prints the last reading of every station.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"

	"example.org/barograph/station"
)

func main() {
	config := flag.String("config", "config/legacy.ini", "settings")
	fahrenheit := flag.Bool("f", false, "print degrees Fahrenheit")
	flag.Parse()

	readings, err := station.Load(*config)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range readings {
		temp := r.Temp
		if *fahrenheit {
			temp = station.ToFahrenheit(temp)
		}
		fmt.Fprintf(os.Stdout, "%-12s %6.1f %5.1f m/s\n", r.Name, temp, r.Wind)
	}
}
