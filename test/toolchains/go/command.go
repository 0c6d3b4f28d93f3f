// What the tests ask of a command: see ../command.test.ts.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	for _, arg := range os.Args[1:] {
		fmt.Println("arg", arg)
	}
	greeting, found := os.LookupEnv("GREETING")
	if !found {
		greeting = "none"
	}
	fmt.Println("env", greeting)

	input, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = os.WriteFile("/data/copy.txt", input, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("copied", len(input))
	fmt.Fprintln(os.Stderr, "bye")
	if len(os.Args) > 1 {
		code, _ := strconv.Atoi(os.Args[1])
		os.Exit(code)
	}
}
