{{ define "x" }}a{{ end }}
{{ block "x" . }}b{{ end }}