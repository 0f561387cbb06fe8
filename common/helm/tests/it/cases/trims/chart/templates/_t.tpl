{{ define "trims" }}a: 	{{- "tab" -}}	 b
b: {{ "crlf" -}}

 c
 {{- "before" }}
d
c: x {{- /* comment */ -}} y
d: x {{/* comment */}} y
e: x

{{- /* lines
of */}}
y
f: x {{/* c */ -}}

	 y
g: {{-	"a" 	-}} z
h: {{-
"a"
-}} z
i: {{-3}} {{- 3}} {{ -3 -}} {{- -3 -}} w
j: {{ "a" }}{{- "b" -}}{{ "c" }}
k:  {{- "no-break space stays" -}} 
l: {{- "vertical tab stays" -}}
m: {{ if true -}} x {{- else -}} y {{- end -}} z
n:
{{- range 2 }}
- {{ . }}
{{- end }}
o: {{ "}}" }} {{ `{{` }} { {x} } {{"{{"}}
p: {{- "" -}}


q
t: {{ $x := 1 -}} u {{- $x }}
{{- end }}