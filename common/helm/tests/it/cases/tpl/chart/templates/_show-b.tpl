{{ define "show-b" -}}
own: {{ tpl "{{ define \"own\" }}defined {{ . }}{{ end }}{{ include \"own\" 1 }} {{ template \"own\" 2 }}" . }}
chart: {{ tpl "{{ include \"chart\" . }} {{ template \"chart\" . }}" . }}
over: {{ tpl "{{ define \"chart\" }}replaced{{ end }}{{ include \"chart\" . }}" . }} {{ include "chart" . }}
nested: {{ tpl "{{ tpl \"{{ include \\\"chart\\\" . }}\" . }}" . }}
inner: {{ tpl "{{ define \"own\" }}outer {{ tpl \"{{ include \\\"deep\\\" . }}{{ define \\\"deep\\\" }}deep{{ end }}\" . }}{{ end }}{{ include \"own\" . }}" . }}
reaches: {{ tpl "{{ define \"own\" }}seen{{ end }}{{ tpl \"{{ include \\\"own\\\" . }}\" . }}" . }}
late: {{ include "late" . }} {{ tpl .Values.twice . }} {{ tpl (toYaml .Values.tree) . | fromYaml | toJson }}
dollar: {{ tpl "{{ $.a }} {{ .a }} {{ with 1 }}{{ $.a }}{{ end }}" (dict "a" 5) }} {{ tpl "{{ . }}" "x" }} {{ tpl "" . }}| {{ tpl "plain" nil }} {{ tpl "{{ . }}" nil }}|
sets: {{ tpl "{{ $_ := set . \"added\" 1 }}" .Values.map }}{{ .Values.map.added }} {{ tpl "{{- /* c */ -}}  x  {{- 1 }}" . }}
name: {{ tpl "{{ .Template.Name }}" . }} {{ tpl "{{ block \"b\" . }}block{{ end }}" . }} {{ tpl "{{ range $i, $e := .Values.list }}{{ $i }}{{ $e }};{{ end }}" . }}
{{ end }}
