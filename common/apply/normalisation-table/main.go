// Prints the table of field types from which flux-apply normalises built-in kinds: for every kind of client-go's
// scheme the Go type, and for every struct type its fields with their JSON names, whether they are left out when
// empty, and how their values are written.
//
//	go run . > ../src/normalisation/table.txt
//
// The lines: "K <apiVersion> <kind> <type>" and "T <type> <field>,<omit>,<code> ...", sorted by apiVersion and kind,
// and by type number. <omit> is o (omitempty), z (omitzero), b (both) or -
// (always written). A <code> is s string, i integer,
// f float, b bool, y bytes, q quantity, t time, m micro time, d duration, x integer or string, r any JSON,
// T<type> a struct, and a prefix of these: [ list, { map, * pointer.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

var scalars = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():    "q",
	reflect.TypeFor[metav1.Time]():          "t",
	reflect.TypeFor[metav1.MicroTime]():     "m",
	reflect.TypeFor[metav1.Duration]():      "d",
	reflect.TypeFor[intstr.IntOrString]():   "x",
	reflect.TypeFor[runtime.RawExtension](): "r",
	reflect.TypeFor[metav1.FieldsV1]():      "r",
}

var marshaler = reflect.TypeFor[json.Marshaler]()

type field struct{ name, omit, code string }

type table struct {
	numbers map[reflect.Type]int
	types   [][]field
}

func (t *table) code(of reflect.Type) string {
	if code, ok := scalars[of]; ok {
		return code
	}
	if of.Kind() != reflect.Pointer && (of.Implements(marshaler) || reflect.PointerTo(of).Implements(marshaler)) {
		return "r"
	}
	switch of.Kind() {
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "i"
	case reflect.Float32, reflect.Float64:
		return "f"
	case reflect.Pointer:
		return "*" + t.code(of.Elem())
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "[" + t.code(of.Elem())
	case reflect.Map:
		return "{" + t.code(of.Elem())
	case reflect.Struct:
		return fmt.Sprintf("T%d", t.number(of))
	default:
		panic(fmt.Sprintf("no code for %v", of))
	}
}

func (t *table) number(of reflect.Type) int {
	if number, ok := t.numbers[of]; ok {
		return number
	}
	number := len(t.types)
	t.numbers[of] = number
	t.types = append(t.types, nil)
	fields := t.fields(of)
	t.types[number] = fields
	return number
}

func (t *table) fields(of reflect.Type) []field {
	var fields []field
	for i := range of.NumField() {
		member := of.Field(i)
		name, options, _ := strings.Cut(member.Tag.Get("json"), ",")
		if name == "-" || !member.IsExported() {
			continue
		}
		if member.Anonymous && name == "" {
			fields = append(fields, t.fields(member.Type)...)
			continue
		}
		omit := "-"
		switch empty, zero := strings.Contains(options, "omitempty"), strings.Contains(options, "omitzero"); {
		case empty && zero:
			omit = "b"
		case empty:
			omit = "o"
		case zero:
			omit = "z"
		}
		fields = append(fields, field{name, omit, t.code(member.Type)})
	}
	return fields
}

func main() {
	known := scheme.Scheme.AllKnownTypes()
	kinds := make([]schema.GroupVersionKind, 0, len(known))
	for kind, of := range known {
		_, isObject := reflect.New(of).Interface().(metav1.Object)
		if kind.Version != runtime.APIVersionInternal && isObject {
			kinds = append(kinds, kind)
		}
	}
	sort.Slice(kinds, func(a, b int) bool {
		if kinds[a].GroupVersion() != kinds[b].GroupVersion() {
			return kinds[a].GroupVersion().String() < kinds[b].GroupVersion().String()
		}
		return kinds[a].Kind < kinds[b].Kind
	})
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	t := table{numbers: map[reflect.Type]int{}}
	for _, kind := range kinds {
		fmt.Fprintf(out, "K %s %s %d\n", kind.GroupVersion(), kind.Kind, t.number(known[kind]))
	}
	for number, fields := range t.types {
		fmt.Fprintf(out, "T %d", number)
		for _, f := range fields {
			fmt.Fprintf(out, " %s,%s,%s", f.name, f.omit, f.code)
		}
		fmt.Fprintln(out)
	}
}
