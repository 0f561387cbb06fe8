// Command schema-recorder writes what the kustomize engine needs of the OpenAPI documents that kyaml embeds: for every
// type its fields, element type and merge keys, and for every kind its type and scope. The layout is described in
// ../src/schema/table.rs, which reads it.
//
// Usage: go run . > ../src/schema/built-in.bin
package main

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"google.golang.org/protobuf/proto"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/openapi/kubernetesapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const (
	none      = 0xFFFF
	refPrefix = "#/definitions/"
)

type field struct{ name, target uint16 }

type typeRow struct {
	name, items, additional, merge uint16
	fields                         []field
}

type recorder struct {
	definitions spec.Definitions
	types       []typeRow
	named       map[string]uint16
	inline      map[string]uint16
	strings     []string
	stringIndex map[string]uint16
	merges      [][2]uint16
	mergeIndex  map[string]uint16
}

func (r *recorder) text(s string) uint16 {
	if index, ok := r.stringIndex[s]; ok {
		return index
	}
	index := uint16(len(r.strings))
	r.strings = append(r.strings, s)
	r.stringIndex[s] = index
	return index
}

// merge returns the index of the merge keys of a list, or none if the list is replaced as a whole.
func (r *recorder) merge(s *spec.Schema) uint16 {
	strategy, keys := (&openapi.ResourceSchema{Schema: s}).PatchStrategyAndKeyList()
	if !slices.Contains(strings.Split(strategy, ","), "merge") {
		return none
	}
	if len(keys) > 2 {
		panic(fmt.Sprintf("more than two merge keys: %v", keys))
	}
	id := strings.Join(keys, "\x00")
	if index, ok := r.mergeIndex[id]; ok {
		return index
	}
	row := [2]uint16{none, none}
	for i, key := range keys {
		row[i] = r.text(key)
	}
	index := uint16(len(r.merges))
	r.merges = append(r.merges, row)
	r.mergeIndex[id] = index
	return index
}

// resolve returns the type of a schema: the definition it refers to, or a type of its own.
func (r *recorder) resolve(s *spec.Schema) uint16 {
	if ref := s.Ref.String(); ref != "" {
		name, ok := strings.CutPrefix(ref, refPrefix)
		if !ok {
			panic("unexpected reference " + ref)
		}
		return r.definition(name)
	}
	key, err := json.Marshal(shape(s))
	if err != nil {
		panic(err)
	}
	if index, ok := r.inline[string(key)]; ok {
		return index
	}
	index := uint16(len(r.types))
	r.types = append(r.types, typeRow{name: none})
	r.inline[string(key)] = index
	r.fill(index, s)
	return index
}

// shape leaves out of an inline schema all that does not matter here, so that equal ones share a row.
func shape(s *spec.Schema) any {
	if s.Ref.String() != "" {
		return s.Ref.String()
	}
	out := map[string]any{}
	strategy, keys := (&openapi.ResourceSchema{Schema: s}).PatchStrategyAndKeyList()
	if slices.Contains(strings.Split(strategy, ","), "merge") {
		out["keys"] = keys
	}
	if isArray(s) {
		out["items"] = shape(s.Items.Schema)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		out["additional"] = shape(s.AdditionalProperties.Schema)
	}
	properties := map[string]any{}
	for name := range s.Properties {
		property := s.Properties[name]
		properties[name] = shape(&property)
	}
	if len(properties) > 0 {
		out["properties"] = properties
	}
	return out
}

func isArray(s *spec.Schema) bool {
	return len(s.Type) == 1 && s.Type[0] == "array" && s.Items != nil && s.Items.Schema != nil
}

func (r *recorder) definition(name string) uint16 {
	if index, ok := r.named[name]; ok {
		return index
	}
	s, ok := r.definitions[name]
	if !ok {
		panic("no definition " + name)
	}
	if s.Ref.String() != "" {
		panic("a definition that is a reference: " + name)
	}
	index := uint16(len(r.types))
	r.types = append(r.types, typeRow{name: r.text(name)})
	r.named[name] = index
	r.fill(index, &s)
	return index
}

func (r *recorder) fill(index uint16, s *spec.Schema) {
	row := typeRow{name: r.types[index].name, items: none, additional: none, merge: r.merge(s)}
	if isArray(s) {
		row.items = r.resolve(s.Items.Schema)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		row.additional = r.resolve(s.AdditionalProperties.Schema)
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		property := s.Properties[name]
		row.fields = append(row.fields, field{r.text(name), r.resolve(&property)})
	}
	r.types[index] = row
}

// kinds returns every API version and kind that has a type or a known scope.
func kinds(definitions spec.Definitions) ([]yaml.TypeMeta, error) {
	found := map[yaml.TypeMeta]bool{}
	add := func(extension any) {
		m, ok := extension.(map[string]any)
		if !ok {
			return
		}
		apiVersion := m["version"].(string)
		if group, ok := m["group"].(string); ok && group != "" {
			apiVersion = group + "/" + apiVersion
		}
		found[yaml.TypeMeta{APIVersion: apiVersion, Kind: m["kind"].(string)}] = true
	}
	for _, definition := range definitions {
		if list, ok := definition.Extensions["x-kubernetes-group-version-kind"].([]any); ok {
			for _, extension := range list {
				add(extension)
			}
		}
	}
	version := kubernetesapi.DefaultOpenAPI
	asset := "kubernetesapi/" + strings.ReplaceAll(version, ".", "_") + "/swagger.pb"
	document := &openapi_v2.Document{}
	if err := proto.Unmarshal(kubernetesapi.OpenAPIMustAsset[version](asset), document); err != nil {
		return nil, err
	}
	var swagger spec.Swagger
	if _, err := swagger.FromGnostic(document); err != nil {
		return nil, err
	}
	for _, path := range swagger.Paths.Paths {
		if path.Get != nil {
			add(path.Get.Extensions["x-kubernetes-group-version-kind"])
		}
	}
	list := make([]yaml.TypeMeta, 0, len(found))
	for kind := range found {
		list = append(list, kind)
	}
	slices.SortFunc(list, func(a, b yaml.TypeMeta) int {
		return cmp.Or(strings.Compare(a.APIVersion, b.APIVersion), strings.Compare(a.Kind, b.Kind))
	})
	return list, nil
}

func main() {
	definitions := openapi.Schema().Definitions
	r := &recorder{
		definitions: definitions,
		named:       map[string]uint16{},
		inline:      map[string]uint16{},
		stringIndex: map[string]uint16{},
		mergeIndex:  map[string]uint16{},
	}
	names := make([]string, 0, len(definitions))
	byPointer := map[string]string{}
	for name := range definitions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		r.definition(name)
		definition := definitions[name]
		if list, ok := definition.Extensions["x-kubernetes-group-version-kind"].([]any); ok {
			for _, extension := range list {
				key := fmt.Sprint(extension)
				if other, ok := byPointer[key]; ok {
					panic(fmt.Sprintf("%s is both %s and %s", key, other, name))
				}
				byPointer[key] = name
			}
		}
	}
	list, err := kinds(definitions)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	rows := make([][4]uint16, 0, len(list))
	for _, kind := range list {
		target := uint16(none)
		if schema := openapi.SchemaForResourceType(kind); schema != nil {
			group, version, found := strings.Cut(kind.APIVersion, "/")
			if !found {
				group, version = "", group
			}
			target = r.named[byPointer[fmt.Sprint(map[string]any{"group": group, "kind": kind.Kind, "version": version})]]
		}
		scope := uint16(2)
		if namespaced, known := openapi.IsNamespaceScoped(kind); known {
			scope = 0
			if namespaced {
				scope = 1
			}
		}
		rows = append(rows, [4]uint16{r.text(kind.APIVersion), r.text(kind.Kind), target, scope})
	}
	if err := r.write(names, rows); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "%d definitions, %d types, %d kinds, %d strings\n", len(names), len(r.types), len(rows), len(r.strings))
}

func (r *recorder) write(names []string, kinds [][4]uint16) error {
	var fields []field
	var types []uint16
	for _, row := range r.types {
		types = append(types, row.name, uint16(len(fields)), row.items, row.additional, row.merge)
		fields = append(fields, row.fields...)
	}
	types = append(types, none, uint16(len(fields)), none, none, none)
	out := bufio.NewWriter(os.Stdout)
	put := func(v any) error { return binary.Write(out, binary.LittleEndian, v) }
	var offsets []uint32
	var blob strings.Builder
	for _, s := range r.strings {
		offsets = append(offsets, uint32(blob.Len()))
		blob.WriteString(s)
	}
	offsets = append(offsets, uint32(blob.Len()))
	definitions := make([]uint16, 0, 2*len(names))
	for _, name := range names {
		definitions = append(definitions, r.text(name), r.named[name])
	}
	for _, part := range []any{
		[]uint16{uint16(len(r.types)), uint16(len(fields)), uint16(len(kinds)), uint16(len(names)),
			uint16(len(r.merges)), uint16(len(r.strings))},
		types, fields, kinds, definitions, r.merges, offsets, []byte(blob.String()),
	} {
		if err := put(part); err != nil {
			return err
		}
	}
	return out.Flush()
}
