{{ define "show-b" -}}
whole: {{ toYaml .Values | quote }}
json: {{ toJson .Values | quote }}
list: {{ list 1000000.0 999999.0 .Values.b }} {{ list .Values.b | toYaml }} {{ list .Values.b | toJson }} {{ dict "a" .Values.b | toYaml }}
calculated: {{ mul .Values.b 10 }} {{ addf .Values.b 0.5 }} {{ add .Values.b 1 | toYaml }} {{ int .Values.b }} {{ .Values.b | int64 | quote }}
{{ end }}
