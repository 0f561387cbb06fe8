{{ define "same-directory" }}b{{ end }}{{ define "kept" }} {{/* empty */}} 
{{ end }}{{ define "kept-later" }}full in b{{ end }}{{ define "emptied-by-parent" }}
{{- /* nothing */ -}}
{{ end }}