{{- define "body" -}}
text: {{ "a" }}{{- " b " -}}   c {{/* a comment */ -}}
  d
trim: {{- /* another */ -}} e
{{ if .Values.text }}if{{ else }}else{{ end }} {{ if .Values.empty }}if{{ else if .Values.nothing }}elif{{ else if .Values.number }}second{{ else }}else{{ end }}
{{ with .Values.map }}{{ .a }} {{ $.Values.text }}{{ end }}{{ with .Values.nothing }}never{{ else with .Values.list }}{{ . }}{{ else }}no{{ end }}
{{ with $x := .Values.text }}{{ $x }} {{ . }}{{ end }}
{{ range .Values.list }}{{ . }},{{ end }} {{ range $i, $e := .Values.list }}{{ $i }}={{ $e }} {{ end }}
{{ range $k, $v := .Values.map }}{{ $k }}:{{ $v }};{{ end }} {{ range .Values.empty | default list }}x{{ else }}none{{ end }}
{{ range 3 }}{{ . }}{{ end }} {{ range $i := 2 }}{{ $i }}{{ end }} {{ range 0 }}x{{ else }}zero{{ end }}
{{ range $i, $e := .Values.list }}{{ if eq $e "b" }}{{ continue }}{{ end }}{{ $e }}{{ end }} {{ range .Values.list }}{{ if eq . "b" }}{{ break }}{{ end }}{{ . }}{{ end }}
{{ range .Values.list }}{{ range $.Values.list }}{{ if eq . "b" }}{{ break }}{{ end }}{{ . }}{{ end }}-{{ end }}
{{ range .Values.list }}{{ with "w" }}{{ break }}{{ end }}{{ else }}x{{ end }}
{{ $last := "" }}{{ range $last = .Values.list }}{{ end }}{{ $last }}
{{ range .Values.nulls }}[{{ . }}]{{ end }} {{ range $i, $e := .Values.nulls }}{{ $i }}{{ $e }}{{ end }}
{{ template "shown" .Values.number }} {{ template "shown" }} {{ include "shown" .Values.list }}
{{ template "recursive" 3 }} {{ include "empty" . | quote }} {{ include "variables" . }}
{{ block "blocked" .Values.text }}block {{ . }}{{ end }} {{ include "blocked" 1 }}
{{ .Values.missing }} {{ .Values.nothing }} {{ (.Values.missing).deeper }} {{ $m := .Values.missing }}{{ $m.x }}
{{ 1 }} {{ 1.0 }} {{ 1e3 }} {{ 0x1F }} {{ 0b11 }} {{ 0o17 }} {{ 017 }} {{ 'a' }} {{ '\n' }} {{ '\u00e9' }} {{ -3 }} {{ +4 }} {{ 1_000 }} {{ 0x1p4 }} {{ .5 }}
{{ "q\t\"\x41\u00e9\101" }} {{ `raw \n` }} {{ true }} {{ false }}
{{ print nil }} {{ print 1 2 "a" "b" 3 nil }} {{ println "x" 1 | quote }} {{ printf "%d %s %v %q %5.2f|%-5s|%05d" 1 "s" .Values.map "q" 1.5 "ab" 42 }}
{{ and 1 0 2 }} {{ or 0 "" "x" }} {{ not 1 }} {{ and true false }} {{ or .Values.missing "fallback" }} {{ 1 | and 2 }} {{ "" | or false }}
{{ eq 1 1 }} {{ eq "a" "b" "a" }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt "b" "a" }} {{ ge 1.5 1.5 }} {{ eq .Values.nothing nil }} {{ eq .Values.missing .Values.nothing }}
{{ len .Values.list }} {{ len "héllo" }} {{ len .Values.map }} {{ index .Values.list 1 }} {{ index .Values.map "c" "d" }} {{ index .Values.map "zz" }} {{ index "abc" 1 }}
{{ html "<a href=\"x\">'&'" }} {{ js "it's \"<x>\" & é=" }} {{ urlquery "a b&c=é" }} {{ html .Values.missing }}
{{ .Values.text | upper | printf "%s-%s" "pre" }} {{ "x" | printf "%s%s" .Values.text }} {{ (list 1 2 3 | len) | add 1 }}
{{ $a := 1 }}{{ $b := $a }}{{ $a = 5 }}{{ $a }}{{ $b }} {{ if $c := .Values.text }}{{ $c }}{{ end }}
{{ $d := dict "k" "v" }}{{ include "sets" $d }}{{ $d.added }} {{ $d | toJson }} {{ (index $d "k") | quote | len | ne 0 | and false }}
{{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Service }} {{ .Release.IsInstall }} {{ .Release.IsUpgrade }} {{ .Release.Revision }}
{{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.Annotations.note }} {{ .Chart.Annotations.other }} {{ .Chart.IsRoot }} {{ .Chart.Keywords }} {{ .Chart.Unknown }}
{{ .Template.Name }} {{ .Template.BasePath }} {{ .Subcharts }} {{ kindOf .Values }} {{ typeOf .Values }} {{ typeOf .Files }} {{ typeOf .Values.map }} {{ typeOf .Values.number }}
{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Major }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "x/v1" }} {{ .Capabilities.HelmVersion.Version }}
{{ .Files.Get "notes.txt" | quote }} {{ .Files.Get "missing" | quote }} {{ range .Files.Lines "notes.txt" }}<{{ . }}>{{ end }} {{ range $p, $_ := .Files.Glob "conf/**" }}{{ $p }} {{ end }}{{ range $p, $_ := .Files.Glob "conf/*.{conf,yaml}" }}{{ $p }} {{ end }}
{{ (.Files.Glob "conf/*").AsConfig | quote }} {{ (.Files.Glob "conf/**.conf").AsSecrets | quote }} {{ .Files.GetBytes "notes.txt" | len }}
{{ tpl "{{ .Values.text }} {{ include \"shown\" . | len | gt 10 }}" . }} {{ tpl "{{ define \"own\" }}defined{{ end }}{{ include \"own\" . }}" . }} {{ tpl "{{ . }}" 1 }} {{ tpl "{{ .x }}" dict }}
{{ .Values.Table "map.c" }} {{ (.Values.Table "map").a }} {{ .Values.PathValue "map.a" }} {{ lookup "v1" "Pod" "a" "b" }} {{ required "needed" 0 }} {{ required "needed" false }}
{{ if and .Values.list (index .Values.list 0 | eq "a") }}yes{{ end }} {{ if or (eq 1 2) (and .Values.missing .Values.missing.x) }}no{{ else }}short{{ end }}
{{- range $i, $_ := list 1 2 }}
- item {{ $i }}
{{- end }}
crlf: {{ "x" -}}
 
  end
{{- end }}
