{{ define "show-b" -}}
merge: {{ merge .Values.dst .Values.src | toJson }}
dst: {{ .Values.dst | toJson }}
aliased: {{ $m := merge (dict) (dict "a" .Values.sub) }}{{ $_ := set $m.a "new" 1 }}{{ .Values.sub | toJson }}
copied: {{ $c := merge (dict) (deepCopy .Values.over) }}{{ $_ := set $c.map "new" 1 }}{{ .Values.over | toJson }}
overwrite: {{ mergeOverwrite (deepCopy .Values.over) .Values.with | toJson }}
must: {{ mustMerge (dict "a" 0) (dict "a" 1) (dict "a" 2 "b" 3) | toJson }} {{ mustMergeOverwrite (dict "a" 1) (dict "a" 2) (dict "a" 0) | toJson }}
several: {{ merge (dict) (dict "a" (dict "x" 1)) (dict "a" (dict "x" 2 "y" 3)) | toJson }}
overwrite several: {{ mergeOverwrite (dict) (dict "a" (dict "x" 1)) (dict "a" (dict "x" 2 "y" 3)) | toJson }}
overwrite aliases: {{ $s := dict "m" (dict "k" 1) }}{{ $d := mergeOverwrite (dict) $s }}{{ $_ := set $d.m "k" 2 }}{{ $s | toJson }} {{ $e := mergeOverwrite (dict "m" (dict "k" 0)) $s }}{{ $_ := set $e.m "k" 5 }}{{ $s | toJson }}
values: {{ $_ := mergeOverwrite .Values (dict "late" (dict "x" 1)) }}{{ .Values.late.x }} {{ $_ := merge .Values.sub (dict "z" 26) }}{{ .Values.sub.z }}
dig: {{ dig "deep" "v" "none" .Values.tree }} {{ dig "deep" "nope" "none" .Values.tree }} {{ dig "nope" "v" "none" .Values.tree }} {{ dig "deep" "nope" nil .Values.tree }}| {{ dig "deep" (dict) .Values.tree | toJson }} {{ .Values.tree | dig "deep" "v" "none" }} {{ dig "a" "none" (.Values | deepCopy | toJson | fromJson) }}
get: [{{ get .Values.tree "missing" }}] [{{ get .Values "missing" }}] {{ get .Values.tree "deep" | toJson }} {{ hasKey .Values "tree" }} {{ hasKey .Values.tree "x" }} {{ hasKey .Values.dst "null" }}
keys: {{ keys .Values.tree.many | sortAlpha }} {{ keys (dict "a" 1) (dict "b" 2) | sortAlpha }} {{ keys (dict) }} {{ values (dict "a" 1) }} {{ pick .Values.tree.many "b" "zz" | toJson }} {{ omit .Values.tree.many "b" "zz" | toJson }} {{ pluck "a" (dict "a" 1) (dict "b" 2) (dict "a" 3) | toJson }}
sets: {{ $d := dict "a" 1 }}{{ $_ := set $d "b" 2 }}{{ $_ := unset $d "a" }}{{ $d | toJson }} {{ dict "a" | toJson }} {{ dict 1 2 nil 3 true 4 | toJson }}
{{ end }}
