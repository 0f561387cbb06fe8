{{ define "show-a" -}}
{{- range $k, $v := .Values }}
{{ $k }}: {{ $v }} {{ kindOf $v }} {{ toYaml $v }} {{ toJson $v }} {{ print $v }} {{ printf "%v %g %.2f" $v $v $v }} {{ quote $v }} {{ toString $v }} {{ int64 $v }} {{ toYamlPretty $v }}
{{- end }}
{{ end }}
