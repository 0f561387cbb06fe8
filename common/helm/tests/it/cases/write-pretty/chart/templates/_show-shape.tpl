{{ define "show-shape" -}}
shape: |
{{ toYamlPretty .Values | indent 2 }}
numbers: {{ list 1000000.0 1e20 1.5 1 -3 (int64 7) 1e-7 100000.0 | toYamlPretty | quote }}
bytes: {{ toYamlPretty (dict "b" (.Files.GetBytes "f.txt")) | quote }}
{{ end }}
