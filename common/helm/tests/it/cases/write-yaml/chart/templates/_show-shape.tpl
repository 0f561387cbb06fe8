{{ define "show-shape" -}}
shape: |
{{ toYaml .Values | indent 2 }}
again: {{ toYaml .Values | fromYaml | toYaml | eq (toYaml .Values) }}
{{ end }}
