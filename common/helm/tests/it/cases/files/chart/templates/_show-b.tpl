{{ define "show-b" -}}
globs: {{ include "globs" . }}
config: {{ (.Files.Glob "conf/*").AsConfig | quote }}
secrets: {{ (.Files.Glob "{conf/**,z.bin}").AsSecrets | quote }}
none: {{ (.Files.Glob "nothing").AsConfig }} {{ (.Files.Glob "nothing").AsSecrets }} {{ .Files.AsConfig | len }}
data:
{{ (.Files.Glob "conf/*.{txt,yaml}").AsConfig | indent 2 }}
{{ (.Files.Glob "conf/sub/**").AsSecrets | indent 2 }}
lines: {{ range .Files.Lines "conf/many.txt" }}<{{ . | quote }}>{{ end }} {{ .Files.Lines "missing" | len }} {{ .Files.Lines "conf/no-newline" | toJson }}
get: {{ .Files.Get "conf/a.yaml" | quote }} {{ .Files.Get "missing" | quote }} {{ .Files.GetBytes "z.bin" | len }} {{ .Files.GetBytes "missing" | len }} {{ .Files.Get "z.bin" | b64enc }} {{ .Files.GetBytes "conf/b.txt" }} {{ typeOf .Files }} {{ typeOf (.Files.Glob "*") }} {{ kindOf .Files }} {{ len .Files }}
range: {{ range $p, $b := .Files }}{{ $p }}={{ len $b }} {{ end }}{{ range .Files }}{{ len . }} {{ end }}
field: {{ index .Files "conf/b.txt" }} {{ index .Files "conf/b.txt" | toString | quote }} {{ index .Files "nope" }} {{ (.Files.Glob "conf/*").Get "conf/b.txt" | quote }} {{ ((.Files.Glob "conf/**").Glob "**/sub/*").AsConfig | quote }} {{ .Files.missing }}
yaml: {{ .Files.Get "conf/a.yaml" | fromYaml | toJson }} {{ tpl (.Files.Get "conf/sub/c.yaml") . }} {{ toYaml (.Files.Glob "other/*") | quote }} {{ toJson (.Files.Glob "other/*") }}
{{ end }}
