// Renders a chart again and again with Helm's own engine in process: engine CHART SECONDS. Prints, as JSON, the median
// milliseconds of a render (the engine parses each time) and of parsing the same templates alone, and how many there are.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path, seconds string) error {
	limit, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return err
	}
	loaded, err := loader.Load(path)
	if err != nil {
		return err
	}
	if err := chartutil.ProcessDependencies(loaded, map[string]any{}); err != nil {
		return err
	}
	release := common.ReleaseOptions{Name: "release", Namespace: "default", Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(loaded, map[string]any{}, release, common.DefaultCapabilities)
	if err != nil {
		return err
	}
	render := func() error {
		_, err := engine.Engine{}.Render(loaded, values)
		return err
	}
	texts := templates(loaded, nil)
	parseAll := func() error {
		all := template.New("gotpl").Funcs(functions())
		for index, text := range texts {
			if _, err := all.New(strconv.Itoa(index)).Parse(text); err != nil {
				return err
			}
		}
		return nil
	}
	took := map[string]float64{"templates": float64(len(texts))}
	for name, work := range map[string]func() error{"render": render, "parse": parseAll} {
		if took[name], err = median(limit, work); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(took)
}

// The names that templates may call: what they do is of no concern to the parser.
func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{
		"include", "tpl", "required", "lookup", "toToml", "mustToToml", "fromToml", "toYaml", "mustToYaml", "toYamlPretty",
		"fromYaml", "fromYamlArray", "toJson", "mustToJson", "fromJson", "fromJsonArray",
	} {
		all[name] = func() string { return "" }
	}
	return all
}

func templates(of *chart.Chart, texts []string) []string {
	for _, file := range of.Templates {
		texts = append(texts, string(file.Data))
	}
	for _, dependency := range of.Dependencies() {
		texts = templates(dependency, texts)
	}
	return texts
}

// The median milliseconds of as many runs as fit into so many seconds, three at least and after one that does not count.
func median(seconds float64, work func() error) (float64, error) {
	if err := work(); err != nil {
		return 0, err
	}
	var times []float64
	for start := time.Now(); len(times) < 3 || time.Since(start).Seconds() < seconds; {
		began := time.Now()
		if err := work(); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
