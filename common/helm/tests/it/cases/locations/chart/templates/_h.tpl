{{- define "fails" }}
  {{ .Values.a.b.c }}{{ end -}}
{{- define "one" -}}{{ include "two" . | indent 2 }}{{- end -}}
{{- define "two" -}}
  {{- $x := include "fails" . }}
{{- end -}}
{{ define "to-unknown" }}{{ include "unknown" . }}{{ end }}
{{ define "to-function" }}{{ include "index" . }}{{ end }}{{ define "index" }}{{ index .Values.list 7 }}{{ end }}
{{ define "to-required" }}{{ include "required" . }}{{ end }}{{ define "required" }}
   {{ .Values.missing | required "a value: is needed" }}{{ end }}
{{ define "to-fail" }}{{ fail "on purpose" }}{{ end }}
{{ define "to-template" }}{{ template "middle" . }}{{ end }}{{ define "middle" }} {{ include "fails" . }}{{ end }}
{{ define "to-tpl" }}{{ tpl "{{ include \"fails\" . }}" . }}{{ end }}
{{ define "no-dot" }}{{ .Values.a }}{{ end }}
{{ define "to-semver" }}{{ semverCompare "nope!" "1" }}{{ end }}
{{ define "to-type" }}{{ upper .Values.list }}{{ end }}
{{ define "to-arity" }}{{ upper "a" "b" }}{{ end }}
