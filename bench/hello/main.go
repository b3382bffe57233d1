// Hello does nothing: what starting a program costs.
package main

import "fmt"

func main() { fmt.Println("hello") }
