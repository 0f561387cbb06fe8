// Program bench prints what the throughput bench prints, for Go's libraries: parsing to v3 nodes, and writing by
// sigs.k8s.io/yaml what it has read. Comments are part of Go's nodes, so it cannot leave them out.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	yaml3 "go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

func main() {
	runtime.GOMAXPROCS(1)
	for _, path := range os.Args[1:] {
		input, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		report("go yaml.v3 parse", path, len(input), func() { parse(input) })
		var documents [][]byte
		written := 0
		for _, root := range parse(input) {
			var value any
			if err := root.Decode(&value); err != nil || value == nil {
				continue
			}
			asJSON, err := json.Marshal(value)
			if err != nil {
				panic(err)
			}
			documents = append(documents, asJSON)
			out, err := sigs.JSONToYAML(asJSON)
			if err != nil {
				panic(err)
			}
			written += len(out)
		}
		report("go sigs yaml write", path, written, func() {
			for _, document := range documents {
				if _, err := sigs.JSONToYAML(document); err != nil {
					panic(err)
				}
			}
		})
	}
}

func parse(input []byte) []*yaml3.Node {
	var documents []*yaml3.Node
	decoder := yaml3.NewDecoder(bytes.NewReader(input))
	for {
		var root yaml3.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return documents
		}
		if err != nil {
			panic(err)
		}
		documents = append(documents, &root)
	}
}

func report(name, path string, size int, work func()) {
	best := time.Duration(1 << 62)
	for begin := time.Now(); time.Since(begin) < 2*time.Second; {
		start := time.Now()
		work()
		best = min(best, time.Since(start))
	}
	fmt.Printf("%-20s %8.1f MB/s  %s\n", name, float64(size)/best.Seconds()/1e6, path)
}
