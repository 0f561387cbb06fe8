// Program recorder writes the golden files of flux-yaml: what the Go libraries that kustomize pins make of the inputs in
// inputs.go. Run it as `go run . ../golden`.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/kyaml/kio"
	sigs "sigs.k8s.io/yaml"
)

// node is go-yaml v3's node, as far as flux-yaml has it.
type node struct {
	Kind    string  `json:"kind"`
	Tag     string  `json:"tag,omitempty"`
	Style   string  `json:"style,omitempty"`
	Tagged  bool    `json:"tagged,omitempty"`
	Value   string  `json:"value,omitempty"`
	Anchor  string  `json:"anchor,omitempty"`
	Line    int     `json:"line"`
	Head    string  `json:"head,omitempty"`
	LineC   string  `json:"lineComment,omitempty"`
	Foot    string  `json:"foot,omitempty"`
	Content []*node `json:"content,omitempty"`
}

// document is what the libraries make of one input.
type document struct {
	Input string `json:"input"`
	// Nodes are the documents of the input as v3 node trees, up to the first error.
	Nodes      []*node `json:"nodes"`
	NodesError string  `json:"nodesError,omitempty"`
	// Compact and Wide are these trees written by v3 with indent 2, lists in maps not indented and indented.
	Compact string `json:"compact"`
	Wide    string `json:"wide"`
	// Sorted is the output stage of kustomize: kyaml's reader, JSON, sigs.k8s.io/yaml.
	Sorted      string `json:"sorted"`
	SortedError string `json:"sortedError,omitempty"`
	// JSON is the first document read by sigs.k8s.io/yaml (v2 rules).
	JSON      string `json:"json"`
	JSONError string `json:"jsonError,omitempty"`
}

// text is how the writers write one string.
type text struct {
	Text string `json:"text"`
	// Sigs is {k: {nested: [text]}} by sigs.k8s.io/yaml, SigsKey is {text: 1}.
	Sigs    string `json:"sigs"`
	SigsKey string `json:"sigsKey"`
	// V3 is the same by v3 with indent 2.
	V3    string `json:"v3"`
	V3Key string `json:"v3Key"`
	// Styles are v3 nodes of this text in each style, as value in a block and in a flow mapping.
	Styles []string `json:"styles"`
	JSON   string   `json:"json"`
	// V2JSON is what sigs.k8s.io/yaml makes of a list with the text as plain item; empty if it is no such item.
	V2JSON string `json:"v2json"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: recorder DIRECTORY")
		os.Exit(2)
	}
	var documents []document
	for _, input := range documentInputs() {
		documents = append(documents, recordDocument(input))
	}
	write(filepath.Join(os.Args[1], "documents.jsonl"), documents)
	var texts []text
	for _, input := range textInputs() {
		texts = append(texts, recordText(input))
	}
	write(filepath.Join(os.Args[1], "texts.jsonl"), texts)
	var orders [][]string
	for _, keys := range keySets() {
		orders = append(orders, sortedKeys(keys))
	}
	write(filepath.Join(os.Args[1], "orders.jsonl"), orders)
}

// write makes one line of each element.
func write[T any](path string, elements []T) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	for _, element := range elements {
		if err := encoder.Encode(element); err != nil {
			panic(err)
		}
	}
	if err := os.WriteFile(path, buffer.Bytes(), 0o644); err != nil {
		panic(err)
	}
}

func recordDocument(input string) document {
	result := document{Input: input}
	decoder := yaml3.NewDecoder(strings.NewReader(input))
	var compact, wide bytes.Buffer
	compactEncoder, wideEncoder := yaml3.NewEncoder(&compact), yaml3.NewEncoder(&wide)
	compactEncoder.SetIndent(2)
	compactEncoder.CompactSeqIndent()
	wideEncoder.SetIndent(2)
	for {
		var root yaml3.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			result.NodesError = err.Error()
			break
		}
		result.Nodes = append(result.Nodes, convert(&root))
		encode(compactEncoder, &root)
		encode(wideEncoder, &root)
	}
	compactEncoder.Close()
	wideEncoder.Close()
	result.Compact, result.Wide = compact.String(), wide.String()
	result.Sorted, result.SortedError = sortedOutput(input)
	if out, err := sigs.YAMLToJSON([]byte(input)); err != nil {
		result.JSONError = err.Error()
	} else {
		result.JSON = string(out)
	}
	return result
}

func encode(encoder *yaml3.Encoder, root *yaml3.Node) {
	defer func() { _ = recover() }()
	_ = encoder.Encode(root)
}

// sortedOutput reads one document as kustomize reads resources, without the checks for kind and name.
func sortedOutput(input string) (out string, failure string) {
	defer func() {
		if r := recover(); r != nil {
			failure = fmt.Sprint(r)
		}
	}()
	nodes, err := (&kio.ByteReader{
		Reader:                strings.NewReader(input),
		OmitReaderAnnotations: true,
		AnchorsAweigh:         true,
	}).Read()
	if err != nil {
		return "", err.Error()
	}
	var result strings.Builder
	for i, n := range nodes {
		asJSON, err := n.MarshalJSON()
		if err != nil {
			return "", err.Error()
		}
		asYAML, err := sigs.JSONToYAML(asJSON)
		if err != nil {
			return "", err.Error()
		}
		if i > 0 {
			result.WriteString("---\n")
		}
		result.Write(asYAML)
	}
	return result.String(), ""
}

func convert(from *yaml3.Node) *node {
	kinds := map[yaml3.Kind]string{
		yaml3.DocumentNode: "document", yaml3.SequenceNode: "sequence", yaml3.MappingNode: "mapping",
		yaml3.ScalarNode: "scalar", yaml3.AliasNode: "alias",
	}
	styles := map[yaml3.Style]string{
		yaml3.DoubleQuotedStyle: "double", yaml3.SingleQuotedStyle: "single", yaml3.LiteralStyle: "literal",
		yaml3.FoldedStyle: "folded", yaml3.FlowStyle: "flow",
	}
	to := &node{
		Kind: kinds[from.Kind], Tag: from.Tag, Style: styles[from.Style&^yaml3.TaggedStyle],
		Tagged: from.Style&yaml3.TaggedStyle != 0, Value: from.Value, Anchor: from.Anchor, Line: from.Line,
		Head: from.HeadComment, LineC: from.LineComment, Foot: from.FootComment,
	}
	for _, child := range from.Content {
		to.Content = append(to.Content, convert(child))
	}
	return to
}

func recordText(input string) text {
	result := text{Text: input}
	value := map[string]any{"k": map[string]any{"nested": []any{input}}}
	result.Sigs = marshalSigs(value)
	result.SigsKey = marshalSigs(map[string]any{input: 1})
	result.V3 = marshal3(value)
	result.V3Key = marshal3(map[string]any{input: 1})
	for _, style := range []yaml3.Style{0, yaml3.SingleQuotedStyle, yaml3.DoubleQuotedStyle, yaml3.LiteralStyle, yaml3.FoldedStyle} {
		for _, outer := range []yaml3.Style{0, yaml3.FlowStyle} {
			scalar := &yaml3.Node{Kind: yaml3.ScalarNode, Tag: "!!str", Value: input, Style: style}
			key := &yaml3.Node{Kind: yaml3.ScalarNode, Value: "k"}
			mapping := &yaml3.Node{Kind: yaml3.MappingNode, Content: []*yaml3.Node{key, scalar}, Style: outer}
			result.Styles = append(result.Styles, marshal3(mapping))
		}
	}
	asJSON, err := json.Marshal(input)
	if err != nil {
		panic(err)
	}
	result.JSON = string(asJSON)
	var plain any
	if !strings.ContainsAny(input, "\n\r") && yaml2.Unmarshal([]byte("- "+input), &plain) == nil {
		if out, err := sigs.YAMLToJSON([]byte("- " + input)); err == nil {
			result.V2JSON = string(out)
		}
	}
	return result
}

func marshalSigs(value any) string {
	out, err := sigs.Marshal(value)
	if err != nil {
		return "error: " + err.Error()
	}
	return string(out)
}

func marshal3(value any) string {
	var buffer bytes.Buffer
	encoder := yaml3.NewEncoder(&buffer)
	encoder.SetIndent(2)
	if err := encoder.Encode(value); err != nil {
		return "error: " + err.Error()
	}
	encoder.Close()
	return buffer.String()
}

func sortedKeys(keys []string) []string {
	value := map[string]any{}
	for _, key := range keys {
		value[key] = nil
	}
	out, err := yaml2.Marshal(value)
	if err != nil {
		panic(err)
	}
	var ordered yaml2.MapSlice
	if err := yaml2.Unmarshal(out, &ordered); err != nil {
		panic(err)
	}
	var result []string
	for _, item := range ordered {
		result = append(result, fmt.Sprint(item.Key))
	}
	return result
}
