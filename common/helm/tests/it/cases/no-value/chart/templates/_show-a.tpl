{{ define "show-a" -}}
a: "{{ .Values.missing }}"
b: "x{{ (.Values.missing).y }}y<no value>z"
include: "[{{ include "nothing" . }}]" 
piped: {{ include "nothing" . | quote }} {{ include "nothing" . | len }} {{ include "nothing" . | sha256sum }} {{ include "literal" . | upper }} {{ include "nothing" . | b64enc }}
emptiness: {{ if include "nothing" . }}not empty{{ end }} {{ include "nothing" . | default "d" | upper }}
tpl: {{ tpl "[{{ .Values.missing }}]" . | len }} {{ tpl "<no value>" . | quote }} {{ tpl "{{ include \"nothing\" . | len }}" . }} {{ tpl "{{ .Values.missing }}" . | sha256sum }}
templates: {{ template "nothing" . }}
joined: "<no {{ "value>" }} <no{{ " value" }}> {{ "<no" }} value>"
print: {{ print .Values.missing }} {{ printf "%v" .Values.missing }} {{ html .Values.missing }} {{ .Values.missing | quote }} {{ list .Values.missing | join "," }} {{ toString .Values.missing }}
{{ end }}
