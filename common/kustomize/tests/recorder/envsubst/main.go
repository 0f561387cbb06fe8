// Program recorder prints the golden vectors of substitution: what Flux's envsubst makes of templates, as
// lines of JSON, the variables first. Run it as `go run . > ../../golden/envsubst.jsonl`.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
)

var variables = map[string]string{
	"v": "value", "path": "a/b/c.tar.gz", "empty": "", "num": "123", "up": "HELLO World", "u": "é日本x", "star": "a*b", "p": "-2", "q": "2",
	"name": "app", "long": "aXbXcXd", "_x1": "under", "ünï": "unicode", "re": "a.b[c]", "slash": "x/y", "dollar": "$v", "b": "\\/",
}

type vector struct {
	Template string `json:"template"`
	Output   string `json:"output"`
	Error    string `json:"error,omitempty"`
	Strict   string `json:"strict,omitempty"`
	// StrictError is the error in strict mode.
	StrictError string `json:"strictError,omitempty"`
}

func main() {
	var vectors []vector
	for _, template := range templates() {
		v := vector{Template: template}
		v.Output, v.Error = eval(template, false)
		v.Strict, v.StrictError = eval(template, true)
		vectors = append(vectors, v)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	must(encoder.Encode(variables))
	for _, v := range vectors {
		must(encoder.Encode(v))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func eval(template string, strict bool) (out, failure string) {
	defer func() {
		if r := recover(); r != nil {
			out, failure = "", "panic: "+fmt.Sprint(r)
		}
	}()
	out, err := envsubst.Eval(template, func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok || !strict
	})
	if err != nil {
		return "", err.Error()
	}
	return out, ""
}

func templates() []string {
	result := []string{
		"", "text", "$", "$$", "$$$", "$$$$", "$v", "$$v", "$$$v", "${v}", "$${v}", "$$${v}", "$$$${v}", "a${v}b${num}c", "{v}", "${", "${}", "${ v}", "${v", "${v }", "${v.x}", "${v-d}", "${v?m}", "${v+d}",
		"${unset}", "${empty}", "${_x1}", "${ünï}", "${1}", "${v1}", "${{ x }}", "${v}}", "}", "${v:-d}", "${unset:-d}", "${empty:-d}", "${unset:=d}", "${unset=d}", "${v=d}", "${unset:+d}", "${v:+d}", "${unset:?d}", "${v:?d}", "${unset:-}",
		"${unset:-a b c}", "${unset:-${v}}", "${unset:-x${v}y${num}z}", "${v:-${unset}}", "${unset:-${unset2:-deep}}", "${unset:-$$x}", "${unset:-$x}", "${unset:-$}", "${unset:-a}b}", "${unset:-\\}}", "${unset:-a/b}", "${unset:-a:b}", "${unset:-", "${unset:-${v}", "${unset:- }", "${unset:x}",
		"${#v}", "${#u}", "${#unset}", "${#}", "${#v", "${#v:1}", "${##v}", "${v^}", "${v^^}", "${v^^^}", "${up,}", "${up,,}", "${up,,,}", "${u^}", "${u^^}", "${empty^}", "${v,^}", "${v^,}", "${unset^^}", "${v^x}", "${v^",
		"${v:0}", "${v:1}", "${v:4}", "${v:5}", "${v:9}", "${v:-1}", "${v: -2}", "${v:1:2}", "${v:1:99}", "${v:9:1}", "${v:0:0}", "${v:x}", "${v:1:x}", "${v:}", "${v::}", "${v:1:}", "${v:1:2:3}", "${v:${p}}", "${v:${q}:${q}}", "${v:1:${p}}", "${v:0:-1}", "${v:+1}", "${v:1", "${v:1:2", "${unset:1}", "${u:1}", "${u:0:2}", "${v:01}", "${v:1_0}", "${v:99999999999999999999}", "${v:${p}:1}",
		"${path#a}", "${path#*/}", "${path##*/}", "${path%.*}", "${path%%.*}", "${path%.gz}", "${path#x}", "${path#*}", "${path##*}", "${path%*}", "${path%%*}", "${path#?}", "${path%?}", "${path#[a-c]}", "${path#[^a]}", "${path#[}", "${path#[a}", "${path%[c-z]}", "${path#\\a}", "${star#a\\*}", "${star#a*}", "${v#}", "${v%}", "${v##}", "${v###}", "${v%%%}", "${v#v", "${u#?}", "${u%x}", "${u##*本}", "${path#a?b}", "${path#a*c}", "${path##a*c}", "${path#*b*c}", "${unset#x}", "${path#${name}}", "${path#a${q}}", "${path%%/*}", "${path%/*}", "${re#*[}", "${re%]}", "${v#value}", "${v#v*e}", "${v#*a*}", "${v##*a*u}", "${long##*X}", "${long#*X}", "${long%X*}", "${long%%X*}", "${v#?????}", "${v#??????}",
		"${path/a/x}", "${path//a/x}", "${long//X/-}", "${long/X/-}", "${long/X/}", "${long//X/}", "${path/#a/x}", "${path/#b/x}", "${path/%gz/x}", "${path/%tar/x}", "${v/b}", "${v//}", "${v/}", "${v///}", "${v/a/b/c}", "${path/\\//-}", "${path//\\//-}", "${v/a/$$}", "${v/$$/x}", "${dollar/$$/x}", "${v/a/\\\\}", "${v/a/\\x}", "${b/\\\\/x}", "${v/}/x}", "${v/a/}x}", "${v/${name}/x}", "${v/a/${num}}", "${v/al/${name}}", "${v/a${q}/x}", "${v/a", "${v/a/b", "${unset/a/b}", "${v//a/}", "${v/./x}", "${v/*/x}", "${v/#/x}", "${v/%/x}", "${v/#v/}", "${v/%e/}", "${v//e/$$$$}", "${v/a/\\/}", "${u/日/x}", "${slash/\\//${num}}", "${v/a/ }", "${v/ /x}",
		"${quote}${num}${quote}", "a: ${v}\nb: \"${num}\"\nc: ${unset:-x: y}\n", "line\n${v}\n${up^^}\n", "${v}${v}${v}", "${v:-${path##*/}}", "${unset:-${path##*/}}", "${unset:-${up,,}-${num}}", "${unset:=${v:1:2}}", "\\${v}", "\\$${v}", "$\\{v}", "$ {v}", "${v\n}", "$é", "é${v}é", "日${u}本",
		"${unset:-{\"a\": 1}}", "${unset:-[a]}", "${unset:-'x'}", "${v:-}", "${unset:?}", "${unset:+}", "${unset=}", "${unset:=}", "${v==}", "${v=:}", "${v:--}", "${unset:--}", "${unset:-:}", "${v@Q}", "${!v}", "${v[0]}", "${v*}", "${-}", "${?}", "${v:-a${", "${v:-${}}", "${v/a/${}}", "${v#${}}",
	}
	random := rand.New(rand.NewSource(4))
	pieces := []string{"${", "}", "v", "unset", "empty", "path", "num", ":", "-", "=", "?", "+", "#", "%", "/", "^", ",", "$", "$$", "\\", "*", "a", "b", "x", " ", "1", "2", "${v}", "${num}", "${p}", "é", "[", "]", "."}
	for range 1500 {
		var out strings.Builder
		if random.Intn(2) == 0 {
			out.WriteString("${" + []string{"v", "path", "unset", "long", "u", "empty"}[random.Intn(6)])
			out.WriteString([]string{":-", ":=", "=", ":", "#", "##", "%", "%%", "/", "//", "/#", "/%", "^", "^^", ",", ",,"}[random.Intn(16)])
		}
		for range 1 + random.Intn(6) {
			out.WriteString(pieces[random.Intn(len(pieces))])
		}
		if random.Intn(2) == 0 {
			out.WriteString("}")
		}
		result = append(result, out.String())
	}
	return result
}
