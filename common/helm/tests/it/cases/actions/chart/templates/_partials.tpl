{{- define "shown" -}}
[{{ . }}|{{ $ }}]
{{- end -}}
{{- define "recursive" -}}
{{ . }}{{ if gt (int .) 0 }} {{ template "recursive" (sub . 1 | int) }}{{ end }}
{{- end -}}
{{- define "empty" }}{{/* nothing */}}
{{ end -}}
{{- define "sets" }}{{ $_ := set . "added" "yes" }}{{ end -}}
{{- define "variables" -}}
{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}
{{- end -}}
