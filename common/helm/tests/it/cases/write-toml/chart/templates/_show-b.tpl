{{ define "show-b" -}}
toml: |
{{ toToml .Values | indent 2 }}
quoted: {{ toToml .Values | quote }}
round: {{ toToml .Values | fromToml | toJson | quote }}
ints: {{ toToml (dict "i" 1 "j" (int64 2) "f" 1.0 "g" 1e6 "l" (list 1 2.0) "m" (list (dict "x" 1)) "n" nil "s" (splitList "," "a,b")) | quote }} {{ toToml "x" | quote }} {{ toToml (list 1) | quote }} {{ toToml (dict) | quote }} {{ toToml (dict "a" (list nil)) | quote }}
{{ end }}
