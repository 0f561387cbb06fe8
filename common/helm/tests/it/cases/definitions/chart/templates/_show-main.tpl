{{ define "show-main" -}}
same: {{ include "same-directory" . }} {{ include "kept" . }} {{ include "kept-later" . }} [{{ include "empty" . }}] {{ include "twice" . }} {{ include "in-a-file" . }}
both: {{ include "both" . }} {{ include "calls" . }} {{ include "only-sub" . }} {{ include "emptied-by-parent" . }} {{ include "deeper" . }} {{ include "siblings" . }}
file: {{ include "definitions/templates/defines.yaml" . | trim }} {{ include "definitions/charts/one/templates/main.yaml" . | quote }}
{{ end }}
