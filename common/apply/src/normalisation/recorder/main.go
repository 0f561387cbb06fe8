// Records what Flux's normalisation makes of each document of inputs.yaml.
//
//	go run . > ../cases.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/fluxcd/pkg/ssa/normalize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

type record struct {
	Input    map[string]any `json:"input"`
	Expected map[string]any `json:"expected"`
}

func main() {
	text, err := os.ReadFile("inputs.yaml")
	if err != nil {
		panic(err)
	}
	var records []record
	for _, document := range strings.Split(string(text), "\n---\n") {
		asJSON, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			panic(err)
		}
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(asJSON); err != nil {
			panic(fmt.Errorf("%w in %s", err, document))
		}
		input := object.DeepCopy().Object
		if err := normalize.Unstructured(&object); err != nil {
			panic(fmt.Errorf("%w in %s", err, document))
		}
		records = append(records, record{input, object.Object})
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(records); err != nil {
		panic(err)
	}
}
