{{ define "truth" }}
true: {{ if true }}T{{ else }}F{{ end }} {{ with true }}W{{ else }}E{{ end }} {{ if not true }}N{{ end }}
false: {{ if false }}T{{ else }}F{{ end }} {{ with false }}W{{ else }}E{{ end }} {{ if not false }}N{{ end }}
1: {{ if 1 }}T{{ else }}F{{ end }} {{ with 1 }}W{{ else }}E{{ end }} {{ if not 1 }}N{{ end }}
0: {{ if 0 }}T{{ else }}F{{ end }} {{ with 0 }}W{{ else }}E{{ end }} {{ if not 0 }}N{{ end }}
1.5: {{ if 1.5 }}T{{ else }}F{{ end }} {{ with 1.5 }}W{{ else }}E{{ end }} {{ if not 1.5 }}N{{ end }}
0.0: {{ if 0.0 }}T{{ else }}F{{ end }} {{ with 0.0 }}W{{ else }}E{{ end }} {{ if not 0.0 }}N{{ end }}
``: {{ if `` }}T{{ else }}F{{ end }} {{ with `` }}W{{ else }}E{{ end }} {{ if not `` }}N{{ end }}
`text`: {{ if `text` }}T{{ else }}F{{ end }} {{ with `text` }}W{{ else }}E{{ end }} {{ if not `text` }}N{{ end }}
.Values.half: {{ if .Values.half }}T{{ else }}F{{ end }} {{ with .Values.half }}W{{ else }}E{{ end }} {{ if not .Values.half }}N{{ end }}
.Values.zero: {{ if .Values.zero }}T{{ else }}F{{ end }} {{ with .Values.zero }}W{{ else }}E{{ end }} {{ if not .Values.zero }}N{{ end }}
.Values.null_: {{ if .Values.null_ }}T{{ else }}F{{ end }} {{ with .Values.null_ }}W{{ else }}E{{ end }} {{ if not .Values.null_ }}N{{ end }}
.Values.missing: {{ if .Values.missing }}T{{ else }}F{{ end }} {{ with .Values.missing }}W{{ else }}E{{ end }} {{ if not .Values.missing }}N{{ end }}
.Values.empty_text: {{ if .Values.empty_text }}T{{ else }}F{{ end }} {{ with .Values.empty_text }}W{{ else }}E{{ end }} {{ if not .Values.empty_text }}N{{ end }}
.Values.text: {{ if .Values.text }}T{{ else }}F{{ end }} {{ with .Values.text }}W{{ else }}E{{ end }} {{ if not .Values.text }}N{{ end }}
.Values.empty_list: {{ if .Values.empty_list }}T{{ else }}F{{ end }} {{ with .Values.empty_list }}W{{ else }}E{{ end }} {{ if not .Values.empty_list }}N{{ end }}
.Values.list: {{ if .Values.list }}T{{ else }}F{{ end }} {{ with .Values.list }}W{{ else }}E{{ end }} {{ if not .Values.list }}N{{ end }}
.Values.empty_map: {{ if .Values.empty_map }}T{{ else }}F{{ end }} {{ with .Values.empty_map }}W{{ else }}E{{ end }} {{ if not .Values.empty_map }}N{{ end }}
.Values.map: {{ if .Values.map }}T{{ else }}F{{ end }} {{ with .Values.map }}W{{ else }}E{{ end }} {{ if not .Values.map }}N{{ end }}
.Capabilities: {{ if .Capabilities }}T{{ else }}F{{ end }} {{ with .Capabilities }}W{{ else }}E{{ end }} {{ if not .Capabilities }}N{{ end }}
(list): {{ if (list) }}T{{ else }}F{{ end }} {{ with (list) }}W{{ else }}E{{ end }} {{ if not (list) }}N{{ end }}
(dict): {{ if (dict) }}T{{ else }}F{{ end }} {{ with (dict) }}W{{ else }}E{{ end }} {{ if not (dict) }}N{{ end }}
(until 0): {{ if (until 0) }}T{{ else }}F{{ end }} {{ with (until 0) }}W{{ else }}E{{ end }} {{ if not (until 0) }}N{{ end }}
(int64 0): {{ if (int64 0) }}T{{ else }}F{{ end }} {{ with (int64 0) }}W{{ else }}E{{ end }} {{ if not (int64 0) }}N{{ end }}
(float64 0): {{ if (float64 0) }}T{{ else }}F{{ end }} {{ with (float64 0) }}W{{ else }}E{{ end }} {{ if not (float64 0) }}N{{ end }}
(splitList "," "a"): {{ if (splitList "," "a") }}T{{ else }}F{{ end }} {{ with (splitList "," "a") }}W{{ else }}E{{ end }} {{ if not (splitList "," "a") }}N{{ end }}
.Release: {{ if .Release }}T{{ else }}F{{ end }} {{ with .Release }}W{{ else }}E{{ end }} {{ if not .Release }}N{{ end }}
.Files: {{ if .Files }}T{{ else }}F{{ end }} {{ with .Files }}W{{ else }}E{{ end }} {{ if not .Files }}N{{ end }}
(now): {{ if (now) }}T{{ else }}F{{ end }} {{ with (now) }}W{{ else }}E{{ end }} {{ if not (now) }}N{{ end }}
(semver "1.0.0"): {{ if (semver "1.0.0") }}T{{ else }}F{{ end }} {{ with (semver "1.0.0") }}W{{ else }}E{{ end }} {{ if not (semver "1.0.0") }}N{{ end }}
{{ end }}
{{ define "own" }}given{{ end }}
