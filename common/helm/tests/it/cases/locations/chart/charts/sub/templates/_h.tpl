{{ define "sub-fails" }}{{ include "sub-inner" . }}{{ end }}
{{ define "sub-inner" }}
{{ .Values.a.b.c }}{{ end }}