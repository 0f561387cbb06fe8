{{ define "down" }}{{ if gt (int .) 0 }}{{ include "down" (sub . 1) }}{{ else }}bottom{{ end }}{{ end }}
{{ define "ping" }}{{ if gt (int .) 0 }}{{ include "pong" (sub . 1) }}{{ else }}end{{ end }}{{ end }}
{{ define "pong" }}{{ include "ping" . }}{{ end }}
{{ define "template-down" }}{{ if gt (int .) 0 }}{{ template "template-down" (sub . 1) }}{{ else }}floor{{ end }}{{ end }}
{{ define "tree" }}{{ if gt (int .) 0 }}({{ include "tree" (sub . 1) }}{{ include "tree" (sub . 1) }}){{ else }}.{{ end }}{{ end }}
{{ define "through-tpl" }}{{ if gt (int .) 0 }}{{ tpl "{{ include \"through-tpl\" . }}" (sub . 1) }}{{ else }}tpl{{ end }}{{ end }}
