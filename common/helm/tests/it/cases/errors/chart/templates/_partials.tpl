{{- define "fails" -}}
{{ .Values.a.b.c }}
{{- end -}}
{{- define "outer" }}{{ include "inner" .a }}{{ end -}}
{{- define "inner" }}
  {{ .field }}{{ end -}}
{{- define "calls" }}{{ index .Values.list 9 }}{{ end -}}
{{- define "endless" }}{{ include "endless" . }}{{ end -}}
{{- define "needs" }}{{ required (printf "need %s" "it") .Values.missing }}{{ end -}}
